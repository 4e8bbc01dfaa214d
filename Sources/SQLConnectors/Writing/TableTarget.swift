/// A table that records are written to.
public struct TableTarget: Sendable {
    /// How a record meets a row that is there already.
    public enum Mode: Sendable, Hashable {
        /// Every record is inserted; a conflict refuses the record.
        case append
        /// A row with the same key is renewed; with `unlessNewer`, only where the record's value in that column is not less
        /// than the row's.
        case upsert(unlessNewer: String?)
    }

    /// The table's name; in PostgreSQL possibly with its schema, `schema.table`.
    public var table: String
    /// Append or upsert.
    public var mode: Mode
    /// Whether the database and the table are made when they are missing.
    public var create: Bool
    /// The column that identifies a row for `upsert`; nil takes the record's key.
    public var key: String?
    /// How long to wait for another program's lock before the target counts as unavailable.
    public var busyTimeout: Duration

    /// Names a table and how to write to it.
    public init(
        table: String,
        mode: Mode,
        create: Bool,
        key: String? = nil,
        busyTimeout: Duration = .seconds(5)
    ) {
        self.table = table
        self.mode = mode
        self.create = create
        self.key = key
        self.busyTimeout = busyTimeout
    }

    func keyColumn(of schema: RecordSchema) -> String { key ?? schema.keyName }
}
