/// Messages that travel as one object: published together, delivered together, cut where deliveries have to be smaller.
///
/// Batches cross boundaries, messages do not: nothing in a topic is done once per message on the straight path.
public protocol MessageBatch: Sendable {
    /// Messages in the batch.
    var messageCount: Int { get }
    /// Bytes that the batch counts for against a topic's high watermark.
    var byteCount: Int { get }
    /// The messages at some positions, from 0; should share the storage (O(1)).
    func slice(_ range: Range<Int>) -> Self
}

/// A message of a plain array batch.
public protocol Message: Sendable {
    /// Bytes that the message counts for.
    var byteCount: Int { get }
}

extension Array: MessageBatch where Element: Message {
    /// The array's count.
    public var messageCount: Int { count }
    /// The sum over all messages.
    public var byteCount: Int { reduce(0) { $0 + $1.byteCount } }
    /// A copy of the messages at those positions.
    public func slice(_ range: Range<Int>) -> [Element] { Array(self[range]) }
}
