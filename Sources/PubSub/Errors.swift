/// Marks an error that speaks of the subscriber as such, never of a message: its table is gone or locked, its disk is
/// full. What it failed to take is delivered again as a whole, and nothing becomes a dead letter for it.
public protocol SubscriptionUnavailable: Error {
    /// Whether a later attempt may succeed; if not, the publish fails at once. True unless told otherwise.
    var retryable: Bool { get }
}

extension SubscriptionUnavailable {
    /// Worth another attempt.
    public var retryable: Bool { true }
}

/// A batch that not every subscription could settle.
///
/// The whole batch can be published again: subscriptions then get again what they have settled already.
public struct PublishFailure: Error, Sendable, CustomStringConvertible {
    /// The name of the topic.
    public let topic: String
    /// One for each subscription that gave up, at least one.
    public let failures: [SubscriptionFailure]
    /// What was settled all the same.
    public let settled: PublishReceipt

    /// The subscription of the first failure.
    public var subscription: String { failures[0].subscription }
    /// The cause of the first failure.
    public var cause: any Error { failures[0].cause }
    /// The attempts of the first failure.
    public var attempts: Int { failures[0].attempts }

    /// Each failure with what its subscription settled, and the next step.
    public var description: String {
        let parts = failures.map { failure in
            let receipt = settled.subscriptions[failure.subscription] ?? SubscriptionReceipt()
            return "\(failure) [of \(settled.messageCount) messages \(receipt.acked) acked, "
                + "\(receipt.deadLettered) dead-lettered]"
        }
        return "Topic \(topic): \(parts.joined(separator: "; ")). Remove the cause, then publish the batch again."
    }
}

/// Why one subscription gave a published batch up.
public struct SubscriptionFailure: Error, Sendable, CustomStringConvertible {
    /// What could not be done.
    public enum Reason: Sendable, Hashable {
        /// The subscriber could take nothing, as often as it was asked.
        case unavailable
        /// The dead letter of the message at this position of the published batch could not be kept.
        case deadLetterNotKept(position: Int)
        /// An earlier publish of the same ordering key failed here; to deliver this one would have broken the order.
        case earlierPublishFailed
    }

    /// The name of the subscription.
    public let subscription: String
    /// What could not be done.
    public let reason: Reason
    /// What the subscriber or the dead letter handler threw; after ``Reason/earlierPublishFailed``, what it threw for
    /// the earlier publish.
    public let cause: any Error
    /// How often the messages at fault were delivered; 0 when they never were.
    public let attempts: Int

    /// Names the subscription, what failed and the cause.
    public var description: String {
        switch reason {
        case .unavailable:
            "subscription \(subscription) is unavailable (attempts: \(attempts)): \(cause)"
        case .deadLetterNotKept(let position):
            "subscription \(subscription) could not keep the dead letter of message \(position) "
                + "(attempts: \(attempts)): \(cause)"
        case .earlierPublishFailed:
            "subscription \(subscription) was not tried, because an earlier publish of the same ordering key failed: "
                + "\(cause)"
        }
    }
}

/// Why a topic refuses a call.
public enum TopicError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The topic was closed first.
    case closed(topic: String)
    /// The batch would have reached nobody.
    case noSubscriptions(topic: String)
    /// The name is taken.
    case duplicateSubscription(topic: String, subscription: String)

    /// What is refused, and what to do instead.
    public var description: String {
        switch self {
        case .closed(let topic):
            "Topic \(topic) is closed and takes nothing new. Close a topic after its last publish."
        case .noSubscriptions(let topic):
            "Topic \(topic) has no subscription, so the batch would be lost. Subscribe before publishing."
        case .duplicateSubscription(let topic, let subscription):
            "Topic \(topic) has a subscription \(subscription) already. Choose another name."
        }
    }
}

/// The cause of a failure for which the subscriber gave no answer in time.
public struct AckDeadlineExceeded: Error, Sendable, Hashable, CustomStringConvertible {
    /// The time it had.
    public let deadline: Duration

    /// Names the time it had.
    public var description: String { "no answer within the ack deadline of \(deadline)" }
}

/// The cause of a failure for which the subscriber answered with a position that the delivery does not have. Nothing
/// of such an answer is believed; the delivery failed as a whole.
public struct InvalidOutcome: Error, Sendable, Hashable, CustomStringConvertible {
    /// The position it named.
    public let position: Int
    /// The messages of the delivery.
    public let messageCount: Int

    /// Names the position and those that would have been right.
    public var description: String {
        "the subscriber named position \(position), but the delivery has positions 0..<\(messageCount)"
    }
}
