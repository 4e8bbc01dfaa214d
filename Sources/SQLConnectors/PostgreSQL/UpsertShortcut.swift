/// Decides which groups of an upsert are copied straight into the table.
///
/// A record whose key is not there yet is inserted either way, and COPY into the table does that with less than half of the server's
/// work; most backfills fill an empty table. The first key that is there fails the COPY, and the group goes through the staging table.
/// Then the straight way is tried again ever more rarely, so that a table that is full of the records' keys costs next to nothing more.
struct UpsertShortcut {
    /// Groups to take through the staging table before the next try.
    private var pause = 0
    private var nextPause = 1
    private var isTrying = false

    private static let longestPause = 256

    /// Asked once for each group.
    mutating func isWorthATry() -> Bool {
        isTrying = pause == 0
        pause = max(0, pause - 1)
        return isTrying
    }

    /// A key of the group was there.
    ///
    /// - Returns: whether this was a try, so that the group can go through the staging table now.
    mutating func failed() -> Bool {
        guard isTrying else { return false }
        isTrying = false
        pause = nextPause
        nextPause = min(nextPause * 2, Self.longestPause)
        return true
    }

    /// The group is in the table.
    mutating func succeeded() {
        if isTrying { nextPause = 1 }
        isTrying = false
    }
}
