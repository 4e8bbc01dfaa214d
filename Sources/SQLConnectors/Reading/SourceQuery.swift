/// A query as a spec gives it.
public struct SourceQuery: Sendable {
    /// Its name in the spec.
    public var name: String
    /// The SQL text: one statement that only reads.
    public var sql: String
    /// Where the text comes from, for error messages: a file, or a place in the spec.
    public var origin: String
    /// The column whose value is the record id.
    public var key: String
    /// Values by parameter name, without the colon.
    public var parameters: [String: Value]

    /// Names a query.
    public init(name: String, sql: String, origin: String, key: String, parameters: [String: Value] = [:]) {
        self.name = name
        self.sql = sql
        self.origin = origin
        self.key = key
        self.parameters = parameters
    }
}

extension SourceQuery {
    /// The columns that a statement gives, if records can be made of them: names that differ, and the key among them.
    ///
    /// - Throws: ``SourceError`` that says what to change in the SQL or the spec.
    func schema(of columns: [Column], dialect: RecordSchema.Dialect = .sqlite) throws -> RecordSchema {
        var seen: Set<String> = []
        for column in columns where !seen.insert(column.name.lowercased()).inserted {
            throw SourceError(
                "\(origin): query \(name) gives two columns named \(column.name). Give one another name with AS."
            )
        }
        if seen.contains(StagedFile.ordinalColumn) {
            throw SourceError(
                "\(origin): query \(name) gives a column named \(StagedFile.ordinalColumn), which staged results use. Rename it with AS."
            )
        }
        guard let keyIndex = columns.firstIndex(where: { $0.name.lowercased() == key.lowercased() }) else {
            throw SourceError(
                "\(origin): query \(name) has no column \(key), which the spec names as its key. "
                    + "Its columns are \(columns.map(\.name).joined(separator: ", "))."
            )
        }
        return RecordSchema(columns: columns, keyIndex: keyIndex, dialect: dialect)
    }
}
