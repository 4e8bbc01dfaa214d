import CSQLiteTuning

/// Settings of the SQLite library for a whole process.
public enum SQLiteTuning {
    /// Turns off SQLite's count of the memory it uses. Call it first in `main`, before anything opens a database; later it does nothing.
    public static func prepareProcess() {
        // It fails when SQLite is in use already; then it is only slower.
        _ = backfill_turn_off_memory_statistics()
    }
}
