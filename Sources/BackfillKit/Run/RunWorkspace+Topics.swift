import PubSub
import Synchronization

/// The way from a batch to the sinks.
extension RunWorkspace {
    /// A topic holds a batch of each executor, and room for the next ones.
    func topic(for query: StoredQuery) throws -> Topic<RecordMessages> {
        try opened.withLock { open in
            if let known = open.topics[query.queryID] { return known }
            let options = TopicOptions(
                highWatermarkMessages: spec.executors * spec.batch.mostRecords,
                highWatermarkBytes: spec.executors * spec.batch.byteCount
            )
            let topic = Topic<RecordMessages>(name: "\(run.runID)/\(query.name)", options: options)
            for sink in sinks where query.reaches(sink.name) {
                try topic.subscribe(
                    sink.name,
                    options: Self.sinkOptions,
                    subscriber: SinkSubscription(sink: sink),
                    deadLetters: deadLetterKeeper(of: query, subscription: sink.name)
                )
            }
            for (name, subscriber) in runtime.subscribers.sorted(by: { $0.key < $1.key }) where query.reaches(name) {
                try topic.subscribe(
                    name,
                    subscriber: subscriber,
                    deadLetters: deadLetterKeeper(of: query, subscription: name)
                )
            }
            open.topics[query.queryID] = topic
            return topic
        }
    }

    private func deadLetterKeeper(of query: StoredQuery, subscription: String) -> DeadLetterKeeper {
        DeadLetterKeeper(
            store: store,
            query: query,
            subscription: subscription,
            pass: run.pass,
            logger: logger
        ) { [weak self] origin in try self?.admitDeadLetter(of: origin) }
    }

    /// A sink that is unavailable is retried as a whole attempt of PublishBatch, where `stats` and `history` show it; and its own time
    /// limits (busy timeout) end a delivery, so there is no deadline on top. One that waits because a server asks for it leaves when the
    /// run is stopped.
    private static let sinkOptions = SubscriptionOptions(
        ackDeadline: nil,
        maximumUnavailableAttempts: 1,
        cancelsWithPublisher: true
    )
}
