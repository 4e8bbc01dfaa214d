import Metrics
import PubSub

/// What a process that publishes tells a metrics system, if it has one (swift-metrics; without one it costs next to nothing).
struct RunMetrics: Sendable {
    private let records = Counter(label: "backfill_records_settled")
    private let deadLetters = Counter(label: "backfill_dead_letters")
    private let redeliveries = Counter(label: "backfill_redeliveries")
    private let retries = Counter(label: "backfill_retries")
    private let batches = Metrics.Timer(label: "backfill_batch_duration")

    func published(_ receipt: PublishReceipt, _ took: Duration) {
        records.increment(by: receipt.messageCount)
        let dead = receipt.subscriptions.values.reduce(0) { $0 + $1.deadLettered }
        if dead > 0 { deadLetters.increment(by: dead) }
        if receipt.redeliveries > 0 { redeliveries.increment(by: receipt.redeliveries) }
        batches.record(duration: took)
    }

    func retried() { retries.increment() }
}
