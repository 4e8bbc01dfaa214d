import DequeModule
import HeapModule

/// Takes one publish through one subscription: what to deliver next, what an answer settles, when to try again, where
/// to split. Pure: positions and instants go in, the next step comes out.
///
/// The good path is one `next`, one `answered`, one `next`.
struct DeliveryMachine {
    /// What is to be done; the machine must hear of its end before it is asked again.
    enum Step {
        /// Deliver these positions, and call `answered`.
        case deliver(Range<Int>, attempt: Int)
        /// Hand this to the dead letter handler, and call `deadLetterKept` or `deadLetterNotKept`.
        case keep(Doomed)
        /// Ask again at this instant.
        case wait(until: Duration)
        /// There is nothing more to do, ever.
        case end(Ending)
    }

    /// How it ended.
    enum Ending {
        case settled
        /// Withdrawn before everything was settled.
        case withdrawn
        case failed(SubscriptionFailure.Reason, cause: any Error, attempts: Int)
    }

    /// What became of a delivery.
    enum Answer {
        case outcome(DeliveryOutcome)
        /// The subscriber threw, or did not answer in time.
        case failure(any Error)

        /// What went wrong, if anything did; the last error if several messages failed.
        var error: (any Error)? {
            switch self {
            case .outcome(.acknowledged): nil
            case .outcome(.failed(let failures)): failures.last?.error
            case .outcome(.rejected(_, let error)), .failure(let error): error
            }
        }
    }

    /// What an answer means for the counters, in messages; the rest of the delivery was not tried.
    struct Tally: Equatable {
        var acked = 0
        var nacked = 0
    }

    /// A message that has had its last attempt.
    struct Doomed {
        var position: Int
        var error: any Error
        var attempts: Int
    }

    private enum Phase {
        case idle
        case waiting(until: Duration)
        case delivering(Slice)
        case keeping(Doomed)
        case over
    }

    private var phase = Phase.idle
    /// To be delivered now; the last one is the first in position.
    private var ready: [Slice]
    private var backingOff = Heap<BackingOff>()
    private var doomed: Deque<Doomed> = []
    private var failure: Ending?
    private var isWithdrawn = false
    /// Deliveries in a row that found the subscriber unavailable.
    private var unavailable = 0
    private var pausedUntil: Duration?
    private(set) var receipt = SubscriptionReceipt()

    init(messageCount: Int) {
        ready = messageCount > 0 ? [Slice(range: 0..<messageCount)] : []
    }

    /// The instant for which it waits, if it does.
    var wakesAt: Duration? {
        if case .waiting(let until) = phase { until } else { nil }
    }

    /// Whether somebody owes it an answer.
    var isBusy: Bool {
        switch phase {
        case .delivering, .keeping: true
        case .idle, .waiting, .over: false
        }
    }

    /// Whether there is nothing more to do, ever.
    var isOver: Bool {
        if case .over = phase { true } else { false }
    }

    /// From now on nothing more is delivered; what is under way is still settled.
    mutating func withdraw() { isWithdrawn = true }

    /// Ends it without another step; it must not be busy.
    mutating func abandon() { phase = .over }

    mutating func next(at now: Duration) -> Step {
        precondition(!isBusy, "asked for the next step during a step")
        if let failure { return end(failure) }
        if let letter = doomed.popFirst() {
            phase = .keeping(letter)
            return .keep(letter)
        }
        if ready.isEmpty, backingOff.isEmpty { return end(.settled) }
        if isWithdrawn { return end(.withdrawn) }
        if let pausedUntil, pausedUntil > now { return wait(until: pausedUntil) }
        if ready.isEmpty { takeDue(at: now) }
        guard var slice = ready.popLast() else {
            // Not empty, as seen above, and `takeDue` has left only what is due later.
            return wait(until: backingOff.min.map(\.until) ?? now)
        }
        slice.deliveries += 1
        if slice.deliveries > 1 { receipt.redeliveries += slice.range.count }
        phase = .delivering(slice)
        return .deliver(slice.range, attempt: slice.deliveries)
    }

    /// - Parameter chance: From 0 to 1, for the jitter of a backoff.
    mutating func answered(
        _ answer: Answer,
        at now: Duration,
        options: SubscriptionOptions,
        chance: () -> Double
    ) -> Tally {
        guard case .delivering(let slice) = phase else { preconditionFailure("an answer without a delivery") }
        phase = .idle
        let tally =
            switch answer {
            case .outcome(.acknowledged): Tally(acked: slice.range.count)
            case .outcome(.failed(let failures)): failed(failures, of: slice, at: now, options, chance)
            case .outcome(.rejected(let position, let error)):
                rejected(at: position, error, of: slice, at: now, options, chance)
            case .failure(let error): failed(error, slice, at: now, options, chance)
            }
        receipt.acked += tally.acked
        return tally
    }

    mutating func deadLetterKept() {
        guard case .keeping = phase else { preconditionFailure("no dead letter was handed out") }
        phase = .idle
        receipt.deadLettered += 1
    }

    mutating func deadLetterNotKept(_ error: any Error) {
        guard case .keeping(let letter) = phase else { preconditionFailure("no dead letter was handed out") }
        phase = .idle
        failure = .failed(.deadLetterNotKept(position: letter.position), cause: error, attempts: letter.attempts)
    }
}

extension DeliveryMachine {
    /// Neighbouring positions with the same past.
    private struct Slice {
        var range: Range<Int>
        var deliveries = 0
        /// Failures that are each message's own.
        var failures = 0
        /// Failures of the whole, which prove nothing about a single message.
        var wholeFailures = 0
        /// Whether it came out of a failure, so that it is split at its next one.
        var isPart = false

        func part(_ range: Range<Int>) -> Slice {
            Slice(range: range, deliveries: deliveries, failures: failures, isPart: true)
        }
    }

    private struct BackingOff: Comparable {
        var until: Duration
        var slice: Slice

        static func < (one: BackingOff, other: BackingOff) -> Bool { one.until < other.until }
        static func == (one: BackingOff, other: BackingOff) -> Bool { one.until == other.until }
    }

    private mutating func end(_ ending: Ending) -> Step {
        phase = .over
        return .end(ending)
    }

    private mutating func wait(until instant: Duration) -> Step {
        phase = .waiting(until: instant)
        return .wait(until: instant)
    }

    /// Starts a round with everything whose backoff is over, in the order of positions. What becomes due during the
    /// round waits for the next, so that a message that fails again and again cannot starve the others.
    private mutating func takeDue(at now: Duration) {
        while let first = backingOff.min, first.until <= now { ready.append(backingOff.removeMin().slice) }
        ready.sort { $0.range.lowerBound > $1.range.lowerBound }
    }

    private mutating func failed(
        _ failures: [MessageFailure],
        of slice: Slice,
        at now: Duration,
        _ options: SubscriptionOptions,
        _ chance: () -> Double
    ) -> Tally {
        let count = slice.range.count
        if let invalid = failures.first(where: { !(0..<count).contains($0.position) }) {
            let error = InvalidOutcome(position: invalid.position, messageCount: count)
            return failed(error, slice, at: now, options, chance)
        }
        unavailable = 0
        let until = now + options.backoff.wait(afterFailures: slice.failures + 1, chance: chance())
        var named = 0
        var previous = -1
        var run: Range<Int>?
        // Stable, so that of several errors for one position the first named counts.
        for failure in failures.sorted(by: { $0.position < $1.position }) where failure.position != previous {
            previous = failure.position
            named += 1
            let position = slice.range.lowerBound + failure.position
            if failure.isPermanent || slice.failures + 1 >= max(1, options.maximumAttempts) {
                doomed.append(Doomed(position: position, error: failure.error, attempts: slice.deliveries))
            } else if let open = run, open.upperBound == position {
                run = open.lowerBound..<position + 1
            } else {
                if let run { backOff(slice.part(run), failures: slice.failures + 1, until: until) }
                run = position..<position + 1
            }
        }
        if let run { backOff(slice.part(run), failures: slice.failures + 1, until: until) }
        return Tally(acked: count - named, nacked: named)
    }

    private mutating func rejected(
        at position: Int,
        _ error: any Error,
        of slice: Slice,
        at now: Duration,
        _ options: SubscriptionOptions,
        _ chance: () -> Double
    ) -> Tally {
        guard (0..<slice.range.count).contains(position) else {
            let invalid = InvalidOutcome(position: position, messageCount: slice.range.count)
            return failed(invalid, slice, at: now, options, chance)
        }
        unavailable = 0
        let rejected = slice.range.lowerBound + position
        doomed.append(Doomed(position: rejected, error: error, attempts: slice.deliveries))
        if rejected + 1 < slice.range.upperBound {
            var untried = slice
            untried.range = rejected + 1..<slice.range.upperBound
            untried.deliveries -= 1
            untried.wholeFailures = 0
            ready.append(untried)
        }
        return Tally(acked: position, nacked: 1)
    }

    private mutating func failed(
        _ error: any Error,
        _ failed: Slice,
        at now: Duration,
        _ options: SubscriptionOptions,
        _ chance: () -> Double
    ) -> Tally {
        var slice = failed
        let tally = Tally(nacked: slice.range.count)
        if isWithdrawn, options.cancelsWithPublisher {
            // It was told to break off: that is nobody's fault, and no last attempt either.
            ready.append(slice)
            return tally
        }
        if let error = error as? any SubscriptionUnavailable {
            unavailable += 1
            if error.retryable, unavailable < max(1, options.maximumUnavailableAttempts) {
                pausedUntil = now + options.backoff.wait(afterFailures: unavailable, chance: chance())
                ready.append(slice)
            } else {
                failure = .failed(.unavailable, cause: error, attempts: slice.deliveries)
            }
            return tally
        }
        unavailable = 0
        if slice.range.count == 1 {
            if slice.failures + 1 >= max(1, options.maximumAttempts) {
                doomed.append(
                    Doomed(position: slice.range.lowerBound, error: error, attempts: slice.deliveries)
                )
            } else {
                let until = now + options.backoff.wait(afterFailures: slice.failures + 1, chance: chance())
                backOff(slice, failures: slice.failures + 1, until: until)
            }
            return tally
        }
        slice.wholeFailures += 1
        if slice.isPart || slice.wholeFailures >= max(1, options.attemptsBeforeSplit) {
            let middle = slice.range.lowerBound + slice.range.count / 2
            ready.append(slice.part(middle..<slice.range.upperBound))
            ready.append(slice.part(slice.range.lowerBound..<middle))
        } else {
            let until = now + options.backoff.wait(afterFailures: slice.wholeFailures, chance: chance())
            backOff(slice, failures: slice.failures, until: until)
        }
        return tally
    }

    private mutating func backOff(_ slice: Slice, failures: Int, until: Duration) {
        var slice = slice
        slice.failures = failures
        backingOff.insert(BackingOff(until: until, slice: slice))
    }
}
