import Synchronization

/// One subscription of a topic: carries published batches through their ``DeliveryMachine``.
final class Subscription<Batch: MessageBatch>: Sendable {
    let name: String
    private let topic: String
    private let options: SubscriptionOptions
    private let subscriber: any Subscriber<Batch>
    private let deadLetters: any DeadLetterHandler<Batch>
    private let clock: any Clock<Duration>
    private let chance: @Sendable () -> Double
    private let concurrency: AdmissionGate?
    private let shared = Mutex(SubscriptionCounters())

    init(
        name: String,
        topic: String,
        options: SubscriptionOptions,
        subscriber: any Subscriber<Batch>,
        deadLetters: any DeadLetterHandler<Batch>,
        clock: any Clock<Duration>,
        chance: @escaping @Sendable () -> Double
    ) {
        self.name = name
        self.topic = topic
        self.options = options
        self.subscriber = subscriber
        self.deadLetters = deadLetters
        self.clock = clock
        self.chance = chance
        concurrency = options.maximumConcurrentDeliveries.map { AdmissionGate(messageLimit: $0, byteLimit: .max) }
    }

    var counters: SubscriptionCounters { shared.withLock { $0 } }

    /// Settles every message of the batch.
    ///
    /// - Throws: ``PublishFailure``, or `CancellationError` after the delivery in flight has settled.
    func settle(_ batch: Batch, orderingKey: String, publishNumber: Int) async throws -> SubscriptionReceipt {
        let count = batch.messageCount
        shared.withLock { $0.waiting += count }
        var settled = 0
        defer { shared.withLock { $0.waiting -= count - settled } }
        var machine = DeliveryMachine(messageCount: count, options: options)
        while true {
            switch machine.next() {
            case .finished(let receipt): return receipt
            case .failed(let error, let attempts, let receipt):
                throw PublishFailure(subscription: name, cause: error, attempts: attempts, settled: receipt)
            case .pause(let failures):
                try await clock.sleep(for: options.backoff.wait(afterFailures: failures, chance: chance()))
            case .deadLetter(let position, let error, let attempts):
                try await keep(batch, position: position, error: error, attempts: attempts)
                machine.handle(.deadLetterKept)
                settled += 1
            case .deliver(let range, let attempt):
                try Task.checkCancellation()
                let delivery = Delivery(
                    batch: range.count == count ? batch : batch.slice(range),
                    topic: topic,
                    subscription: name,
                    orderingKey: orderingKey,
                    publishNumber: publishNumber,
                    firstPosition: range.lowerBound,
                    attempt: attempt
                )
                let event = try await deliver(delivery)
                settled += note(event, of: delivery)
                machine.handle(event)
            }
        }
    }

    private func deliver(_ delivery: Delivery<Batch>) async throws -> DeliveryMachine.Event {
        let place = try await concurrency?.enter(key: delivery.orderingKey, messages: 1, bytes: 0)
        defer { if let place { concurrency?.leave(place) } }
        shared.withLock { counters in
            counters.delivered += delivery.batch.messageCount
            counters.inFlight += delivery.batch.messageCount
            if delivery.attempt > 1 { counters.redelivered += 1 }
        }
        defer { shared.withLock { $0.inFlight -= delivery.batch.messageCount } }
        do {
            return .outcome(try await answer(to: delivery))
        } catch let error as any SubscriptionUnavailable {
            return .unavailable(error)
        } catch {
            return .failedAsWhole(error)
        }
    }

    /// The subscriber's answer, or the passing of the deadline, whichever comes first. The subscriber runs in a task of its own, so a
    /// publisher that is cancelled does not tear what is in flight.
    private func answer(to delivery: Delivery<Batch>) async throws -> DeliveryOutcome {
        let subscriber = subscriber
        guard let deadline = options.ackDeadline else {
            return try await Task { try await subscriber.receive(delivery) }.value
        }
        let clock = clock
        let race = Race()
        return try await withCheckedThrowingContinuation { continuation in
            race.begin(continuation)
            let handler = Task {
                do {
                    race.end(.success(try await subscriber.receive(delivery)))
                } catch {
                    race.end(.failure(error))
                }
            }
            let timer = Task {
                // A cancelled sleep means that the answer came first.
                guard (try? await clock.sleep(for: deadline)) != nil else { return }
                if race.end(.failure(AckDeadlineExceeded(deadline: deadline))) { handler.cancel() }
            }
            race.stopAtEnd(timer)
        }
    }

    /// - Returns: how many messages the event settles.
    private func note(_ event: DeliveryMachine.Event, of delivery: Delivery<Batch>) -> Int {
        let count = delivery.batch.messageCount
        return shared.withLock { counters in
            var acked = 0
            switch event {
            case .outcome(.acknowledged): acked = count
            case .outcome(.failed(let failures)):
                let failed = Set(failures.map(\.position).filter { $0 >= 0 && $0 < count }).count
                acked = count - failed
                counters.nacked += failed
                counters.lastError = failures.last.map { "\($0.error)" } ?? counters.lastError
            case .outcome(.rejected(let position, let error)):
                acked = position >= 0 && position < count ? position : 0
                counters.nacked += 1
                counters.lastError = "\(error)"
            case .failedAsWhole(let error), .unavailable(let error):
                counters.nacked += count
                if error is AckDeadlineExceeded { counters.expired += 1 }
                counters.lastError = "\(error)"
            case .deadLetterKept: break
            }
            counters.acked += acked
            return acked
        }
    }

    private func keep(_ batch: Batch, position: Int, error: any Error, attempts: Int) async throws {
        let letter = DeadLetter(
            message: batch.slice(position..<position + 1),
            topic: topic,
            subscription: name,
            error: error,
            attempts: attempts
        )
        do {
            // In a task of its own, so that a cancelled publisher does not interrupt it half-way.
            let deadLetters = deadLetters
            try await Task { try await deadLetters.handle(letter) }.value
        } catch {
            throw PublishFailure(subscription: name, cause: error, attempts: attempts, settled: SubscriptionReceipt())
        }
        shared.withLock { $0.deadLettered += 1 }
    }
}

/// The first of two ends wins; the other is ignored.
private final class Race: Sendable {
    private struct State {
        var continuation: CheckedContinuation<DeliveryOutcome, any Error>?
        var timer: Task<Void, Never>?
        var hasEnded = false
    }

    private let state = Mutex(State())

    func begin(_ continuation: CheckedContinuation<DeliveryOutcome, any Error>) {
        state.withLock { $0.continuation = continuation }
    }

    /// Cancels the timer when the race ends, or now if it has.
    func stopAtEnd(_ timer: Task<Void, Never>) {
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.timer = timer }
            return state.hasEnded
        }
        if hasEnded { timer.cancel() }
    }

    /// - Returns: whether this end was the first.
    @discardableResult
    func end(_ result: Result<DeliveryOutcome, any Error>) -> Bool {
        let (winner, timer) = state.withLock { state in
            state.hasEnded = true
            defer {
                state.continuation = nil
                state.timer = nil
            }
            return (state.continuation, state.timer)
        }
        timer?.cancel()
        winner?.resume(with: result)
        return winner != nil
    }
}
