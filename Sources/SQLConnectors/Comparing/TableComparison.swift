/// Compares records with what a table holds. It reads, and changes nothing; what it needs of its own is temporary.
///
/// It has a connection of its own, and is used from one task at a time. Others may write meanwhile: no lock is held between calls, and
/// a record that seems to differ is looked at a second time, a moment later, before it is told. An index on the key makes a call cost
/// as much as the records handed in; without one each call reads the whole table.
///
/// Every call throws ``SinkError`` when the table cannot be compared as it is, and ``TargetUnavailable`` when it cannot be read just
/// now. A call that failed may come again; when a server's session was lost, the keys collected so far went with it, and only a
/// comparison from the start can answer: it says so.
public protocol TableComparison: Sendable {
    /// Looks whether the table holds exactly what writing these records leaves there.
    ///
    /// Columns that no record fills do not count, nor does a row that `unless-newer` keeps. An upsert leaves the key of a row as it is,
    /// so its key column counts only for finding the row. A record whose key is NULL is missing, since no row can be told to be its own.
    /// A record that the table could never hold is `changed` in the column that cannot hold it (in none, when that is not known) if
    /// there is a row with its key, and `missing` otherwise.
    ///
    /// - Parameter expected: any number up to some 100,000, with the same key column as the comparison was begun with. Of records with
    ///   the same key within one call an upsert leaves one row, that of the last; appended ones need a row each.
    /// - Returns: what differs, by ordinal; at most one difference for a record.
    func compare(_ expected: RecordBatch) async throws -> [RecordDifference]

    /// Takes note that the table may hold rows with these records' keys, whatever else is in them: they are no ``others(limit:)``.
    func expect(_ records: RecordBatch) async throws

    /// The rows of the table whose key none of the records has that were handed to `compare` or `expect` so far.
    ///
    /// It reads all keys of the table, in one statement that sees one instant.
    ///
    /// - Returns: how many rows there are, and the first keys in the key's order, as texts like record ids; `NULL` for a row without.
    func others(limit: Int) async throws -> (count: Int64, keys: [String])

    /// Closes the connection, and drops what was collected. No call may follow.
    func close() async
}

/// A record for which a table does not hold exactly what writing it leaves there.
public struct RecordDifference: Sendable, Hashable, Codable {
    /// What is different.
    public enum Kind: Sendable, Hashable, Codable {
        /// No row has the record's key.
        case missing
        /// The row with the record's key holds something else in these columns, named as the record names them.
        case changed(columns: [String])
        /// So many rows have the record's key, more than were written.
        case repeated(count: Int)
    }

    /// The record id.
    public var recordID: String
    /// Its place in the staged result.
    public var ordinal: Int64
    /// What is different.
    public var kind: Kind

    /// Names a record and what is different.
    public init(recordID: String, ordinal: Int64, kind: Kind) {
        self.recordID = recordID
        self.ordinal = ordinal
        self.kind = kind
    }
}
