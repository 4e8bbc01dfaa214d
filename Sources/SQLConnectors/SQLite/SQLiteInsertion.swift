import GRDBSQLite

/// The statement that writes one record to a table, and a look at each record for values that the table would keep otherwise.
final class SQLiteInsertion {
    let statement: SQLiteStatement
    private let watched: [Watched]
    private let columns: [WatchedColumn]

    /// A column whose affinity may change values: what is looked at for every record, and so without anything that is counted.
    private struct Watched {
        var index: Int
        var affinity: SQLiteAffinity
    }

    /// What is needed of it when a value is looked at closely.
    private struct WatchedColumn {
        var name: String
        /// The source declares the column as a number.
        var isNumber: Bool
    }

    init(_ target: TableTarget, schema: RecordSchema, on connection: SQLiteConnection) throws {
        statement = try connection.prepare(target.insertion(of: schema))
        let types = try connection.prepare("SELECT lower(name), type FROM pragma_table_xinfo(?1)")
        types.bind(.text(target.table), at: 1)
        var affinities: [String: SQLiteAffinity] = [:]
        while try types.step() { affinities[types.text(0) ?? ""] = SQLiteAffinity(declaredType: types.text(1) ?? "") }
        watched = schema.columns.enumerated().compactMap { index, column in
            guard let affinity = affinities[column.name.lowercased()], affinity != .blob else { return nil }
            return Watched(index: index, affinity: affinity)
        }
        columns = watched.map { watched in
            let column = schema.columns[watched.index]
            return WatchedColumn(name: column.name, isNumber: column.isPostgreSQLNumber(schema.dialect))
        }
    }

    /// Runs the statement with one record's cells.
    ///
    /// - Returns: why the record was not taken; a constraint's failure when the table would have changed a value.
    func insert(_ cells: Slice<UnsafeBufferPointer<Cell>>, _ bytes: UnsafeBufferPointer<UInt8>) -> SQLiteFailure? {
        if let (column, misfit) = misfit(of: cells, bytes) {
            return SQLiteFailure(code: SQLITE_CONSTRAINT, message: "column \(columns[column].name) \(misfit)")
        }
        return statement.insert(cells, bytes)
    }

    /// Position of a column that would be changed, among those of the schema; nil when the table would keep the record as it is.
    func misfittingColumn(_ cells: Slice<UnsafeBufferPointer<Cell>>, _ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        misfit(of: cells, bytes).map { watched[$0.column].index }
    }

    /// The first value that the table would keep otherwise: its place among the watched columns, and why.
    @inline(__always)
    private func misfit(of cells: Slice<UnsafeBufferPointer<Cell>>, _ bytes: UnsafeBufferPointer<UInt8>)
        -> (column: Int, text: String)?
    {
        for (position, watched) in watched.enumerated() {
            let cell = cells[cells.startIndex + watched.index]
            guard watched.affinity.mayChange(cell) else { continue }
            if let misfit = watched.affinity.misfit(cell, bytes, isNumber: columns[position].isNumber) {
                return (position, misfit)
            }
        }
        return nil
    }
}

extension Column {
    /// A type whose values are numbers, but not all of them numbers for SQLite (`NaN`, `Infinity`).
    fileprivate func isPostgreSQLNumber(_ dialect: RecordSchema.Dialect) -> Bool {
        guard dialect == .postgresql, let declaredType else { return false }
        return declaredType.hasPrefix("numeric") && !declaredType.hasSuffix("[]")
            || ["real", "double precision"].contains(declaredType)
    }

    /// The type of a column that is made in SQLite for these values: the source's own when that is SQLite, so that values keep the affinity
    /// they have there; else the one whose affinity changes none of them.
    func sqliteType(_ dialect: RecordSchema.Dialect) -> String? {
        // Outside a STRICT table ANY would make numbers of text; a column without a type takes values as they are.
        guard let declaredType, !declaredType.isEmpty, declaredType.uppercased() != "ANY" else { return nil }
        guard dialect == .postgresql else { return declaredType }
        switch declaredType {
        case "smallint", "integer", "bigint", "oid", "boolean": return "INTEGER"
        case "real", "double precision": return "REAL"
        case "bytea": return "BLOB"
        default: return "TEXT"
        }
    }
}
