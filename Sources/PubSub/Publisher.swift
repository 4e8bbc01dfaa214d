/// A call of ``Topic/publish(_:orderingKey:)`` that has not returned, whatever its kind of batch.
///
/// Only this side knows the kind, so that all the topic's bookkeeping compiles to code for concrete types; generic code
/// that users specialise from another module is about half as fast.
protocol Publisher: AnyObject, Sendable {
    var continuation: CheckedContinuation<PublishReceipt, any Error> { get }

    func deliver(_ order: DeliveryOrder) async -> DeliveryMachine.Answer

    /// - Throws: What the dead letter handler throws.
    func keep(_ order: DeadLetterOrder) async throws
}

/// A published batch with the places it goes to.
final class BatchPublisher<Batch: MessageBatch>: Publisher {
    private let batch: Batch
    private let messageCount: Int
    private let key: OrderingKey
    private let topic: String
    /// In the order of the machine's subscriptions.
    private let endpoints: [Endpoint<Batch>]
    let continuation: CheckedContinuation<PublishReceipt, any Error>

    init(
        batch: Batch,
        messageCount: Int,
        key: OrderingKey,
        topic: String,
        endpoints: [Endpoint<Batch>],
        continuation: CheckedContinuation<PublishReceipt, any Error>
    ) {
        self.batch = batch
        self.messageCount = messageCount
        self.key = key
        self.topic = topic
        self.endpoints = endpoints
        self.continuation = continuation
    }

    func deliver(_ order: DeliveryOrder) async -> DeliveryMachine.Answer {
        let endpoint = endpoints[order.subscription]
        let delivery = Delivery(
            batch: slice(order.range),
            topic: topic,
            subscription: endpoint.name,
            orderingKey: key,
            publishNumber: order.publish,
            firstPosition: order.range.lowerBound,
            attempt: order.attempt
        )
        do {
            return .outcome(try await endpoint.subscriber.receive(delivery))
        } catch {
            return .failure(error)
        }
    }

    func keep(_ order: DeadLetterOrder) async throws {
        let endpoint = endpoints[order.subscription]
        let position = order.letter.position
        let letter = DeadLetter(
            message: slice(position..<position + 1),
            topic: topic,
            subscription: endpoint.name,
            orderingKey: key,
            publishNumber: order.publish,
            position: position,
            error: order.letter.error,
            attempts: order.letter.attempts
        )
        try await endpoint.deadLetters.handle(letter)
    }

    private func slice(_ range: Range<Int>) -> Batch {
        range.count == messageCount ? batch : batch.slice(range)
    }
}
