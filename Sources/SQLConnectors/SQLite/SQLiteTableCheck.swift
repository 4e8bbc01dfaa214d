import Foundation
import GRDBSQLite

/// Looks whether a table can take records of a schema.
struct SQLiteTableCheck {
    let file: URL
    let target: TableTarget
    let schema: RecordSchema

    /// A column of the target as SQLite describes it.
    private struct TargetColumn {
        var name: String
        var isRequired: Bool
        var isPrimaryKeyPart: Bool
        var isGenerated: Bool
    }

    /// Checks without changing anything.
    ///
    /// - Throws: ``SinkError`` saying what is missing and what to do.
    func run() throws {
        try checkQueryColumns()
        guard FileManager.default.fileExists(atPath: file.path) else {
            guard target.create else {
                throw SinkError(
                    "The target database \(file.path) does not exist. Check the path, or add `create: true` to the table sink."
                )
            }
            let folder = file.deletingLastPathComponent()
            guard access(folder.path, W_OK | X_OK) == 0 else {
                throw SinkError(
                    "The target database \(file.path) cannot be made: \(String(cString: strerror(errno))) (folder \(folder.path))."
                )
            }
            return
        }
        guard access(file.path, W_OK) == 0,
            access(file.deletingLastPathComponent().path, W_OK | X_OK) == 0
        else {
            throw SinkError(
                "The target database \(file.path) cannot be written: its file or its folder is read-only. Change the permissions."
            )
        }
        do {
            try check(
                on: SQLiteConnection(
                    // Not "ro": a process that was killed may have left a journal, which has to be rolled back before anyone can read.
                    uri: SQLiteConnection.uri(file.path, mode: "rw"),
                    busyTimeout: target.busyTimeout
                )
            )
        } catch let failure as SQLiteFailure {
            switch failure.primaryCode {
            case SQLITE_NOTADB:
                throw SinkError(
                    "The target \(file.path) is not a SQLite database. Check the sink's `database:`."
                )
            case SQLITE_BUSY, SQLITE_LOCKED:
                throw TargetUnavailable(
                    "The target \(file.path) is locked by another program (waited \(target.busyTimeout)). End that program's transaction, then try again."
                )
            default:
                throw SinkError("The target database \(file.path) cannot be opened: \(failure.message).")
            }
        }
    }

    /// Checks on an open connection; a table that is missing passes when it is to be made.
    func check(on connection: SQLiteConnection) throws {
        let columns = try columns(on: connection)
        guard !columns.isEmpty else {
            guard target.create else {
                throw SinkError(
                    "The table \(target.table) does not exist in \(file.path). Create it, or add `create: true` to the table sink."
                )
            }
            return
        }
        try checkNames(columns)
        if case .upsert = target.mode { try checkKey(columns, on: connection) }
        try checkInsertion(on: connection)
    }

    /// What the sink's settings ask of the query, whether or not there is a table yet.
    private func checkQueryColumns() throws {
        guard case .upsert(let unlessNewer) = target.mode else { return }
        let key = target.keyColumn(of: schema)
        guard schema.columns.contains(where: { matches($0.name, key) }) else {
            throw SinkError("The sink's key \(key) is not a column of the query. Its columns are \(columnList).")
        }
        if let unlessNewer, !schema.columns.contains(where: { matches($0.name, unlessNewer) }) {
            throw SinkError(
                "`unless-newer: \(unlessNewer)`: the query gives no such column. Its columns are \(columnList)."
            )
        }
    }

    /// What the checks before do not foresee (a view, say) shows when the statement is prepared.
    private func checkInsertion(on connection: SQLiteConnection) throws {
        do {
            _ = try connection.prepare(target.insertion(of: schema))
        } catch let failure as SQLiteFailure where failure.primaryCode == SQLITE_ERROR {
            throw SinkError(
                "The table \(target.table) in \(file.path) cannot take the query's records: \(failure.message)."
            )
        }
    }

    /// The statement that makes the table.
    var creation: String {
        let key = target.keyColumn(of: schema)
        let columns = schema.columns.map { column in
            var definition = quotedIdentifier(column.name)
            if let type = column.sqliteType(schema.dialect) { definition += " \(type)" }
            if case .upsert = target.mode, matches(column.name, key) { definition += " PRIMARY KEY" }
            return definition
        }
        return "CREATE TABLE IF NOT EXISTS \(quotedIdentifier(target.table)) (\(columns.joined(separator: ", ")))"
    }

    private var columnList: String { schema.columns.map(\.name).joined(separator: ", ") }

    private func matches(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }

    private func columns(on connection: SQLiteConnection) throws -> [TargetColumn] {
        let statement = try connection.prepare(
            "SELECT name, \"notnull\", dflt_value IS NULL, pk, hidden, type FROM pragma_table_xinfo(?1)"
        )
        statement.bind(.text(target.table), at: 1)
        var columns: [TargetColumn] = []
        while try statement.step() {
            let isRowID = statement.integer(3) == 1 && statement.text(5)?.uppercased() == "INTEGER"
            columns.append(
                TargetColumn(
                    name: statement.text(0) ?? "",
                    isRequired: statement.integer(1) == 1 && statement.integer(2) == 1 && !isRowID,
                    isPrimaryKeyPart: statement.integer(3) > 0,
                    isGenerated: statement.integer(4) >= 2
                )
            )
        }
        return columns
    }

    private func checkNames(_ columns: [TargetColumn]) throws {
        for column in schema.columns {
            guard let target = columns.first(where: { matches($0.name, column.name) }) else {
                let missing = schema.columns.map(\.name).filter { name in !columns.contains { matches($0.name, name) } }
                throw SinkError(
                    """
                    The table \(self.target.table) in \(self.file.path) lacks \(missing.joined(separator: ", ")), which the query \
                    gives. Its columns are \(columns.map(\.name).joined(separator: ", ")). Add the columns, or rename the query's with AS.
                    """
                )
            }
            if target.isGenerated {
                throw SinkError(
                    "The column \(target.name) of table \(self.target.table) is generated and cannot be written. Leave it out of the query."
                )
            }
        }
        if let required = columns.first(where: { column in
            column.isRequired && !column.isGenerated && !schema.columns.contains { matches($0.name, column.name) }
        }) {
            throw SinkError(
                "The column \(required.name) of table \(target.table) is NOT NULL without a default, and the query does not give it. Add it to the query."
            )
        }
    }

    private func checkKey(_ columns: [TargetColumn], on connection: SQLiteConnection) throws {
        let key = target.keyColumn(of: schema)
        let primary = columns.filter(\.isPrimaryKeyPart)
        if primary.count == 1, matches(primary[0].name, key) { return }
        let unique = try connection.prepare(
            """
            SELECT 1 FROM pragma_index_list(?1) i
            WHERE i."unique" = 1 AND i.partial = 0
              AND (SELECT count(*) FROM pragma_index_info(i.name)) = 1
              AND (SELECT lower(name) FROM pragma_index_info(i.name)) = lower(?2)
            """
        )
        unique.bind(.text(target.table), at: 1)
        unique.bind(.text(key), at: 2)
        guard try unique.step() else {
            throw SinkError(
                """
                `mode: upsert` needs a unique key, and column \(key) of table \(target.table) has neither a PRIMARY KEY nor a UNIQUE index. \
                Type: CREATE UNIQUE INDEX \(quotedIdentifier("\(target.table)_\(key)")) ON \(quotedIdentifier(target.table)) (\(quotedIdentifier(key)))
                """
            )
        }
    }
}
