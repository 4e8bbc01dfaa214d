import Foundation
import GRDBSQLite

extension SQLiteTableWriter {
    /// Writes a batch by the statements of ``commit(_:)``, takes all of it back, and tells how long it would have taken.
    ///
    /// For a writer that does nothing else.
    func rehearse(_ item: LedgeredBatch) throws -> Duration {
        let check = SQLiteTableCheck(file: file, target: target, schema: item.records.schema)
        try check.run()
        return try translatingFailures {
            guard FileManager.default.fileExists(atPath: self.file.path) else {
                return try self.rehearseElsewhere(item)
            }
            return try self.rehearseInPlace(item, check) + self.commitDuration(of: item.records)
        }
    }

    /// In the database itself, up to the commit.
    private func rehearseInPlace(_ item: LedgeredBatch, _ check: SQLiteTableCheck) throws -> Duration {
        let connection = try SQLiteConnection(
            uri: SQLiteConnection.uri(file.path, mode: "rw"),
            busyTimeout: target.busyTimeout
        )
        // The journal's mode would stay in the file, so it is left as it is.
        try connection.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -32000")
        var duration = Duration.zero
        var rest = item
        while rest.records.count > 0 {
            do {
                return try duration + rehearse(rest, check, on: connection)
            } catch let spoiled as GroupSpoiled {
                // A record whose refusal takes the transaction back: those before it and those behind it go in transactions of their own.
                let position = Int(spoiled.ordinal - rest.records.firstOrdinal)
                let before = LedgeredBatch(records: rest.records.slice(0..<position), key: rest.key)
                duration += try rehearse(before, check, on: connection)
                rest.records = rest.records.slice(position + 1..<rest.records.count)
            }
        }
        return duration
    }

    /// One transaction, which is rolled back.
    private func rehearse(_ item: LedgeredBatch, _ check: SQLiteTableCheck, on connection: SQLiteConnection) throws
        -> Duration
    {
        try connection.execute("BEGIN IMMEDIATE; \(SQLiteLedger.creation)")
        defer {
            open = nil
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
        }
        if target.create { try connection.execute(check.creation) }
        try check.check(on: connection)
        open = try Open(connection, identity: FileIdentity(file))
        return try ContinuousClock().measure { try Self.takeAll(of: item) { try write($0) } }
    }

    /// In a database that is made for it, with everything.
    private func rehearseElsewhere(_ item: LedgeredBatch) throws -> Duration {
        try withScratchFile { scratch in
            let writer = SQLiteTableWriter(scratch, self.target)
            defer { writer.close() }
            try writer.prepare(item.records.schema)
            return try ContinuousClock().measure {
                try Self.takeAll(of: item) { part in
                    // One answer for one batch.
                    try writer.commit([part])[0].get()
                }
            }
        }
    }

    /// Hands in a batch, and again what is behind each record that is refused.
    private static func takeAll(of item: LedgeredBatch, by write: (LedgeredBatch) throws -> WriteOutcome) throws {
        var rest = item
        while case .rejected(let position, _) = try write(rest), position + 1 < rest.records.count {
            rest.records = rest.records.slice(position + 1..<rest.records.count)
        }
    }

    /// How long it takes to put as many records on the disk.
    private func commitDuration(of records: RecordBatch) throws -> Duration {
        try withScratchFile { scratch in
            let plain = TableTarget(table: "records", mode: .append, create: true)
            let connection = try SQLiteConnection(uri: SQLiteConnection.uri(scratch.path, mode: "rw"))
            let creation = SQLiteTableCheck(file: scratch, target: plain, schema: records.schema).creation
            try connection.execute("\(Self.durability) \(creation); BEGIN IMMEDIATE")
            let insertion = try SQLiteInsertion(plain, schema: records.schema, on: connection)
            let width = records.schema.columns.count
            records.withCells { cells, bytes in
                for row in 0..<records.count {
                    // What is refused here leaves nothing to commit, as it does in the target.
                    _ = insertion.insert(cells[row * width..<(row + 1) * width], bytes)
                }
            }
            return try ContinuousClock().measure { try connection.execute("COMMIT") }
        }
    }

    /// A new file on the disk of the database.
    private func withScratchFile<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let name = ".\(file.lastPathComponent).rehearsal-\(UUID().uuidString)"
        let scratch = file.deletingLastPathComponent().appending(path: name)
        defer {
            for suffix in ["", "-wal", "-shm", "-journal"] { unlink(scratch.path + suffix) }
        }
        try Self.make(scratch)
        return try body(scratch)
    }
}
