/// What the topic's machine knows of a publish that is not over.
struct Publication<Publisher: Sendable> {
    let publisher: Publisher
    let key: OrderingKey
    let weight: AdmissionMachine.Weight
    /// How many subscriptions are not over with it.
    var open: Int
    /// One for each subscription it goes to, in their order; empty as long as it waits for room.
    var parts: [DeliveryMachine] = []
    /// By the subscription's index.
    var failures: [Int: SubscriptionFailure] = [:]
    var isCancelled = false

    /// To be asked when every part is over.
    func result(topic: String, subscriptions: [SubscriptionState]) -> Result<PublishReceipt, any Error> {
        if isCancelled { return .failure(CancellationError()) }
        var receipt = PublishReceipt(messageCount: weight.messages, subscriptions: [:])
        for (subscription, part) in zip(subscriptions, parts) {
            receipt.subscriptions[subscription.name] = part.receipt
        }
        if failures.isEmpty { return .success(receipt) }
        let inOrder = failures.sorted { $0.key < $1.key }.map(\.value)
        return .failure(PublishFailure(topic: topic, failures: inOrder, settled: receipt))
    }
}
