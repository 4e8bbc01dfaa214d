public import PubSub
public import Workflows

extension PublishFailure: DescribedFailure {
    /// A subscription that no repetition mends ends the retries: its target is not as the spec says.
    public var isNonRetryable: Bool {
        failures.contains { ($0.cause as? any SubscriptionUnavailable)?.retryable == false }
    }
}
