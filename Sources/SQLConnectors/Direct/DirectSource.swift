/// A source that gives records in the order of their keys, without a copy of them in between.
///
/// Every order and every comparison of keys is the database's own, the same for cutting and for reading, collations included.
public protocol DirectSource: RecordSource {
    /// Cuts a query's records into even parts: one count, and one pass over its keys in order, in one snapshot.
    ///
    /// - Parameters:
    ///   - parts: told how many records there are; answers into how many parts to cut them, no more than there are records.
    ///   - progress: told the number of keys so far, several times a second at most; called on the thread that reads.
    /// - Throws: ``SourceError`` for a NULL key, for one that occurs more than once, and for a type of key that has no order that could be
    ///   read by; ``SourceUnavailable``, what `parts` throws, or `CancellationError`.
    func cut(
        _ query: SourceQuery,
        into parts: @escaping @Sendable (_ recordCount: Int64) throws -> Int,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> KeyCut

    /// Begins to read a range of a query's records, over a connection of its own and in one snapshot where the database can give one.
    func read(_ query: SourceQuery, _ range: KeyRange) throws -> any DirectReading

    /// What has to be said of how the source will read ranges of the query; empty when an index serves and nobody waits.
    ///
    /// - Parameter key: one of its keys.
    func remarks(on query: SourceQuery, around key: RecordKey) async throws -> [String]
}

/// Reads one range of keys.
public protocol DirectReading: Sendable {
    /// The next records, at most as many as the limit allows, with ordinals from the given one on; none at the end of the range.
    ///
    /// - Throws: ``SourceError`` or ``SourceUnavailable``; a new reading goes on behind the last record that came.
    func next(from ordinal: Int64, limit: BatchLimit) async throws -> RecordBatch
}

/// A query's records, cut by their keys.
public struct KeyCut: Sendable {
    /// The columns.
    public var schema: RecordSchema
    /// How many records there were.
    public var recordCount: Int64
    /// The first key of each part but the first one, in order.
    public var starts: [RecordKey]

    /// A cut as a source made it.
    public init(schema: RecordSchema, recordCount: Int64, starts: [RecordKey]) {
        self.schema = schema
        self.recordCount = recordCount
        self.starts = starts
    }
}

/// Parts of a result whose record counts differ by one at most, the larger ones first.
struct EvenParts {
    /// Records of a smaller part.
    let size: Int64
    /// How many parts have one more.
    let larger: Int64

    init(of recordCount: Int64, count: Int) {
        (size, larger) = recordCount.quotientAndRemainder(dividingBy: Int64(max(1, count)))
    }

    /// How many records come before a part, counted from 0.
    func offset(of part: Int) -> Int64 { Int64(part) * size + min(Int64(part), larger) }
}

extension SourceQuery {
    func missingKeys(_ schema: RecordSchema, count: Int64) -> SourceError {
        SourceError(
            """
            \(origin): query \(name): the key column \(schema.keyName) is NULL in \(count == 1 ? "a record" : "\(count) records"). \
            Every record needs a key: leave such rows out in the SQL, or choose another key.
            """
        )
    }

    func repeatedKey(_ schema: RecordSchema, _ key: String) -> SourceError {
        SourceError(
            """
            \(origin): query \(name): the key \(key) occurs more than once in the column \(schema.keyName). With `stage: direct` the source \
            tells records apart by their keys alone: choose a key that differs in every record, or take `stage: direct` out.
            """
        )
    }
}
