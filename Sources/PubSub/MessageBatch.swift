/// Messages that travel as one object: a publisher hands over one batch, and each delivery carries a slice of it.
///
/// Nothing in a topic touches a single message on the good path, so a batch is best a view of shared storage whose
/// `slice(_:)` is O(1).
public protocol MessageBatch: Sendable {
    /// Positions run from 0 to one below this.
    var messageCount: Int { get }

    /// What the batch weighs against the topic's high watermark. Asked once per publish.
    var byteCount: Int { get }

    /// The messages at `range`, whose positions in the slice start at 0 again.
    ///
    /// Called under no lock, once for each delivery that does not carry the whole batch, with a range that is not
    /// empty and lies within `0..<messageCount`.
    func slice(_ range: Range<Int>) -> Self
}

/// One message of a plain array; see the conformance of `Array` to ``MessageBatch``.
public protocol Message: Sendable {
    /// What the message weighs against the topic's high watermark.
    var byteCount: Int { get }
}

/// For users to whom convenience matters more than speed: slices and byte counts are O(count).
extension Array: MessageBatch where Element: Message {
    /// The number of elements.
    public var messageCount: Int { count }

    /// The sum of the elements' byte counts.
    public var byteCount: Int { reduce(0) { $0 + $1.byteCount } }

    /// A copy of the elements at `range`.
    public func slice(_ range: Range<Int>) -> [Element] { Array(self[range]) }
}
