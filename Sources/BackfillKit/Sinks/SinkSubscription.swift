import Foundation
import Logging
import PubSub
import SQLConnectors
import Workflows

/// Takes deliveries of a topic to a sink, and the sink's answers back.
struct SinkSubscription: Subscriber {
    let sink: any Sink

    func receive(_ delivery: Delivery<RecordMessages>) async throws -> DeliveryOutcome {
        do {
            return try await sink.write(delivery.batch)
        } catch let error as TargetUnavailable {
            throw SinkUnavailable(subscription: sink.name, cause: error, retryable: true)
        } catch let error as SinkError {
            throw SinkUnavailable(subscription: sink.name, cause: error, retryable: false)
        }
    }
}

/// A sink cannot take anything: no record is to blame, so nothing becomes a dead letter; the batch is retried if that may help.
struct SinkUnavailable: Error, SubscriptionUnavailable, CustomStringConvertible {
    var subscription: String
    var cause: any Error
    var retryable: Bool
    var description: String { "\(cause)" }
}

/// Writes dead letters of one subscription to the run store, durably, before the topic counts them as settled.
struct DeadLetterKeeper: DeadLetterHandler {
    let store: RunStore
    let query: StoredQuery
    let subscription: String
    /// The pass in which it is kept.
    let pass: Int
    let logger: Logger
    /// Told of each record that is about to become a dead letter; what it throws stops the run.
    let admit: @Sendable (_ origin: QueryID) throws -> Void

    func handle(_ letter: DeadLetter<RecordMessages>) async throws {
        let messages = letter.message
        let stored = StoredDeadLetter(
            runID: messages.runID,
            queryID: messages.queryID,
            ordinal: messages.records.firstOrdinal,
            subscription: subscription,
            bucket: messages.bucket,
            recordID: messages.records.key(at: 0),
            executionID: messages.executionID,
            correlationID: messages.correlationID(at: 0).description,
            errorType: String(describing: type(of: letter.error)),
            error: "\(letter.error)",
            attempts: letter.attempts,
            payload: RecordJSON.lenientObject(of: messages.records, row: 0),
            createdAt: store.nowMilliseconds
        )
        do {
            try await store.keep(stored, of: query, admit: admit)
        } catch let error as BudgetExhausted {
            try await store.noteStopped(error.description, messages.runID, pass: pass)
            logger.warning("\(error.description)", metadata: LogMetadata.message(messages, at: 0))
            throw error
        }
        // The error's own text may quote the record; it is kept with the dead letter, and only there.
        logger.info(
            "dead letter of \(subscription) after \(letter.attempts) attempts: \(stored.errorType)",
            metadata: LogMetadata.message(messages, at: 0)
        )
    }
}
