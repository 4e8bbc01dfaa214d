public import SQLConnectors

/// A contiguous range of a result's records, worked through by one executor chain.
public struct Bucket: Codable, Hashable, Sendable {
    /// 1-based.
    public var number: Int
    /// The first record's ordinal, from 1.
    public var firstOrdinal: Int64
    /// The ordinal after the last record's.
    public var endOrdinal: Int64
    /// Bytes of its records, when the plan was made by bytes.
    public var byteCount: Int64?
    /// The range of keys that is read, when the records are read directly from the source; the ordinals then only say how many there were
    /// when the plan was made.
    public var keys: KeyRange?

    /// Names a range; ``BucketPlan/validate(recordCount:)`` checks it.
    public init(number: Int, firstOrdinal: Int64, endOrdinal: Int64, byteCount: Int64? = nil, keys: KeyRange? = nil) {
        self.number = number
        self.firstOrdinal = firstOrdinal
        self.endOrdinal = endOrdinal
        self.byteCount = byteCount
        self.keys = keys
    }

    /// Records in the range.
    public var recordCount: Int64 { endOrdinal - firstOrdinal }
}
