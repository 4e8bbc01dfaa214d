import Foundation
import TestSupport

@testable import SQLConnectors

/// A target table `t` in a database of its own, with what tests ask of it.
struct Target {
    let folder: ScratchFolder
    let file: URL
    let table: SQLiteTable
    let description: TableTarget

    init(
        _ sql: String = "CREATE TABLE t (id INTEGER PRIMARY KEY, name)",
        mode: TableTarget.Mode = .append,
        create: Bool = false,
        in folder: ScratchFolder? = nil
    ) throws {
        self.folder = try folder ?? ScratchFolder()
        file = self.folder.file("target.sqlite")
        if !sql.isEmpty { try execute(sql, on: file) }
        // Another program's lock is given up on at once: a test must not wait.
        description = TableTarget(table: "t", mode: mode, create: create, busyTimeout: .zero)
        table = SQLiteTable(file, description)
    }

    /// Another writer of the same table, as a process that starts again makes one.
    func reopened() -> SQLiteTable { SQLiteTable(file, description) }

    func rows(_ sql: String = "SELECT * FROM t ORDER BY 1") throws -> [String] {
        try SQLConnectorsTests.rows(sql, in: file)
    }

    /// The ledger's next ordinal of a bucket of run `r`.
    func next(_ bucket: String = "1") throws -> [String] {
        try rows("SELECT next_ordinal FROM _backfill_ledger WHERE run = 'r' AND bucket = '\(bucket)'")
    }
}

extension LedgerKey {
    /// Bucket 1 of run `r`.
    static let first = LedgerKey(run: "r", bucket: "1")
}
