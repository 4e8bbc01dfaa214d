/// Where the messages of a subscription go.
struct Endpoint<Batch: MessageBatch>: Sendable {
    let name: String
    let subscriber: any Subscriber<Batch>
    let deadLetters: any DeadLetterHandler<Batch>
}
