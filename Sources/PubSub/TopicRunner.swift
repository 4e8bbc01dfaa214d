import Synchronization

/// The shell around a topic's machine: lends it the lock, the clock and the tasks.
final class TopicRunner: Sendable {
    private typealias Machine = TopicMachine<any Publisher>

    private struct State {
        var machine: Machine
        var closers: [CheckedContinuation<Void, Never>] = []
        /// Sleeps until the instant, then wakes the machine.
        var alarm: (at: Duration, task: Task<Void, Never>)?
        /// By number, from the order until the answer.
        var running: [Int: RunningDelivery] = [:]
    }

    private let time: TopicTime
    private let randomness: @Sendable () -> Double
    private let publishes = Atomic<Int>(0)
    private let state: Mutex<State>

    init(name: String, options: TopicOptions, time: TopicTime, randomness: @escaping @Sendable () -> Double) {
        self.time = time
        self.randomness = randomness
        state = Mutex(State(machine: Machine(topic: name, options: options)))
    }

    /// For when nobody holds the topic any more.
    func stopAlarm() {
        state.withLock { $0.alarm?.task.cancel() }
    }

    func subscribe(_ name: String, options: SubscriptionOptions) throws(TopicError) {
        try state.withLock { state throws(TopicError) in try state.machine.subscribe(name, options: options) }
    }

    /// A number for the next publish.
    func nextPublish() -> Int { publishes.add(1, ordering: .relaxed).newValue }

    /// Resumes the publisher's continuation when the publish is over or refused.
    func publish(
        _ number: Int,
        _ publisher: any Publisher,
        key: OrderingKey,
        weight: AdmissionMachine.Weight,
        subscriptions: Int
    ) {
        do throws(TopicError) {
            try handle { (machine, now) throws(TopicError) in
                try machine.publish(
                    number,
                    publisher,
                    key: key,
                    weight: weight,
                    subscriptions: subscriptions,
                    at: now
                )
            }
        } catch {
            publisher.continuation.resume(throwing: error)
        }
    }

    func cancel(_ number: Int) {
        handle { $0.cancel(number, at: $1) }
    }

    func counters() -> [String: SubscriptionCounters] {
        let subscriptions = state.withLock(\.machine.subscriptions)
        return Dictionary(uniqueKeysWithValues: subscriptions.map { ($0.name, $0.report) })
    }

    func close() async {
        await withCheckedContinuation { continuation in
            handle { machine, _ in
                machine.close()
            } also: {
                $0.closers.append(continuation)
            }
        }
    }
}

extension TopicRunner {
    private func wake() {
        handle { [randomness] in
            $0.wake(at: $1, chance: randomness)
        } also: { state in
            // Gone off: should a clock have woken us early, an alarm for the same instant has to be set again.
            state.alarm?.task.cancel()
            state.alarm = nil
        }
    }

    /// Lock, ask the machine, unlock, act.
    private func handle<Failure: Error>(
        _ event: (inout Machine, _ now: Duration) throws(Failure) -> [Machine.Action],
        also change: (inout State) -> Void = { _ in }
    ) throws(Failure) {
        let now = time.now()
        var closers: [CheckedContinuation<Void, Never>] = []
        let actions = try state.withLock { state throws(Failure) in
            change(&state)
            let actions = try event(&state.machine, now)
            setAlarm(&state)
            // Under the same lock, so that nobody can want to cancel a delivery that is not known here yet.
            for case .deliver(let order, _) in actions { state.running[order.delivery] = RunningDelivery() }
            if case .closed? = actions.last { swap(&closers, &state.closers) }
            return actions
        }
        for action in actions {
            switch action {
            case .deliver(let order, let publisher): deliver(order, of: publisher)
            case .keep(let order, let publisher): keep(order, of: publisher)
            case .cancel(let delivery), .interrupt(let delivery):
                state.withLock { $0.running[delivery] }?.cancel()
            case .finish(let publisher, let result): publisher.continuation.resume(with: result)
            case .closed: closers.forEach { $0.resume() }
            }
        }
    }

    /// Under the lock, so that of two threads the later decision stands.
    private func setAlarm(_ state: inout State) {
        guard state.machine.alarm != state.alarm?.at else { return }
        state.alarm?.task.cancel()
        state.alarm = state.machine.alarm.map { instant in
            let task = Task { [weak self, time] in
                do {
                    try await time.sleep(instant)
                } catch {
                    // Only cancellation ends a sleep early: another alarm has taken over, or the topic is gone.
                    return
                }
                self?.wake()
            }
            return (instant, task)
        }
    }

    private func deliver(_ order: DeliveryOrder, of publisher: any Publisher) {
        let task = Task {
            let answer = await publisher.deliver(order)
            handle { [randomness] in
                $0.answered(order, answer, at: $1, chance: randomness)
            } also: {
                $0.running[order.delivery] = nil
            }
        }
        state.withLock { $0.running[order.delivery] }?.hold(task)
    }

    private func keep(_ order: DeadLetterOrder, of publisher: any Publisher) {
        Task {
            do {
                try await publisher.keep(order)
                self.handle { $0.deadLetterKept(order, at: $1) }
            } catch {
                self.handle { $0.deadLetterNotKept(order, error, at: $1) }
            }
        }
    }
}
