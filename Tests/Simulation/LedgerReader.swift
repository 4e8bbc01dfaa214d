import BackfillKit
import Foundation
import SQLConnectors

/// Reads what a table's ledger says, time and again.
final class LedgerReader {
    private let connection: SQLConnectors.SQLiteConnection
    private let table: String
    private var entries: SQLiteStatement?

    init(_ table: String, on connection: SQLConnectors.SQLiteConnection) {
        (self.table, self.connection) = (table, connection)
    }

    /// The next ordinals that the table has not taken, by bucket; nil when it has no ledger.
    func ledger(of run: RunID) throws -> [String: Int]? {
        guard let entries = try prepared() else { return nil }
        // A statement that is not reset keeps its snapshot.
        defer { entries.reset() }
        entries.bind(.text(run.rawValue), at: 1)
        entries.bind(.text(table), at: 2)
        var ledger: [String: Int] = [:]
        while try entries.step() { ledger[entries.text(0) ?? ""] = Int(entries.integer(1)) }
        return ledger
    }

    private func prepared() throws -> SQLiteStatement? {
        if let entries { return entries }
        let schema = try connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = '\(SQLiteLedger.table)'")
        guard try schema.step() else { return nil }
        // A sealed bucket's is stored as `-1 - n`.
        entries = try connection.prepare(
            "SELECT bucket, max(next_ordinal, -1 - next_ordinal) FROM \(SQLiteLedger.table) WHERE run = ?1 AND table_name = ?2"
        )
        return entries
    }
}
