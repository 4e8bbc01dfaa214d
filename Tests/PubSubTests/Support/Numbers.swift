import PubSub

/// Messages that are the numbers of a range, each of one byte.
struct Numbers: MessageBatch, Equatable {
    var values: Range<Int>

    init(_ values: Range<Int>) { self.values = values }

    var messageCount: Int { values.count }
    var byteCount: Int { values.count }
    func slice(_ range: Range<Int>) -> Numbers {
        Numbers(values.lowerBound + range.lowerBound..<values.lowerBound + range.upperBound)
    }
}

/// A message is at fault, or an answer wants a reason.
struct Bad: Error, Equatable, CustomStringConvertible {
    var number: Int
    var description: String { "bad \(number)" }
}

/// The subscriber as such cannot go on.
struct TableLocked: SubscriptionUnavailable, Equatable {
    var retryable = true
}
