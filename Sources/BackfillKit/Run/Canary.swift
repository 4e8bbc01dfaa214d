/// A part of the records that goes first, to see whether all is well.
public struct Canary: Codable, Hashable, Sendable {
    /// At most so many records of each query, the first ones in its order.
    public var limit: Int64?
    /// How many record ids the run was given as its only ones; they lie beside the staged results.
    public var keyCount: Int?

    /// Takes so many records, or those with given keys, or both.
    public init(limit: Int64?, keyCount: Int?) {
        self.limit = limit
        self.keyCount = keyCount
    }
}
