/// What a subscription has done so far. Counts messages, except where it says deliveries.
public struct SubscriptionCounters: Sendable, Hashable {
    /// Handed to the subscriber, counted each time.
    public internal(set) var delivered = 0
    /// The part of `delivered` that was not the first time.
    public internal(set) var redelivered = 0
    /// Taken by the subscriber.
    public internal(set) var acked = 0
    /// Answered with a failure, or left without an answer, counted each time.
    public internal(set) var nacked = 0
    /// Kept by the dead letter handler.
    public internal(set) var deadLettered = 0
    /// Deliveries that outlived the ack deadline.
    public internal(set) var expiredDeadlines = 0
    /// With the subscriber now. An expired delivery no longer counts, even if the subscriber is still busy with it.
    public internal(set) var inFlight = 0
    /// Accepted by the topic, not settled and not in flight: behind other messages, in backoff, or with the dead letter
    /// handler.
    public internal(set) var waiting = 0
    /// The text of the latest error, of the subscriber or of the dead letter handler.
    public internal(set) var lastError: String?
}
