/// A column of a result.
public struct Column: Codable, Hashable, Sendable {
    /// Its name, unique in its schema (letter case apart).
    public var name: String
    /// The type it was declared with at the source; nil for an expression. Values carry their own type, whatever this says.
    public var declaredType: String?

    /// Names a column.
    public init(name: String, declaredType: String? = nil) {
        self.name = name
        self.declaredType = declaredType
    }
}

/// The columns of a result, and which of them is the key.
public struct RecordSchema: Codable, Hashable, Sendable {
    /// Whose types the columns' declared types are.
    public enum Dialect: String, Codable, Sendable {
        /// SQLite's, where a declared type is no more than a hint.
        case sqlite
        /// PostgreSQL's, as its `format_type` writes them.
        case postgresql
    }

    /// In the query's order.
    public var columns: [Column]
    /// Position of the column whose value is the record id.
    public var keyIndex: Int
    /// Whose types the declared types are.
    public var dialect: Dialect

    /// - Parameter keyIndex: a position in `columns`.
    public init(columns: [Column], keyIndex: Int, dialect: Dialect = .sqlite) {
        precondition(columns.indices.contains(keyIndex), "the key must be one of the columns")
        self.columns = columns
        self.keyIndex = keyIndex
        self.dialect = dialect
    }

    /// The key column's name.
    public var keyName: String { columns[keyIndex].name }
}
