/// One published batch on its way through one subscription, as a pure machine: outcomes go in, the next step comes out.
///
/// Slices are worked through one at a time and from the front, which keeps the order. States and events:
///
///     deliver ── acknowledged ──────────────► next slice
///        │ ├──── failed positions ──────────► each run of them again (pause), or a dead letter after the last attempt
///        │ ├──── rejected at p ─────────────► dead letter p, then the rest as a first attempt
///        │ ├──── failed as a whole ─────────► again (pause) · two halves · a dead letter when it stands alone
///        │ └──── unavailable ───────────────► again (pause) · the publish fails
///        └ dead letter kept ────────────────► next slice
struct DeliveryMachine {
    /// What to do next.
    enum Step {
        /// Hand over the messages at these positions.
        case deliver(Range<Int>, attempt: Int)
        /// Wait as the backoff says after so many failures, then ask again.
        case pause(failures: Int)
        /// Keep the message as a dead letter.
        case deadLetter(position: Int, error: any Error, attempts: Int)
        /// Every message is settled.
        case finished(SubscriptionReceipt)
        /// The subscription cannot go on.
        case failed(error: any Error, attempts: Int, settled: SubscriptionReceipt)
    }

    /// What became of the slice that was handed over.
    enum Event {
        case outcome(DeliveryOutcome)
        case failedAsWhole(any Error)
        case unavailable(any Error)
        case deadLetterKept
    }

    private struct Slice {
        var range: Range<Int>
        /// Deliveries so far.
        var deliveries = 0
        /// Deliveries as a whole before it is split, if it has more than one message.
        var attemptsBeforeSplit: Int
        /// Set when the message is beyond hope.
        var verdict: (any Error)?
        /// Whether a pause is due before the next delivery.
        var isPauseDue = false
    }

    private let options: SubscriptionOptions
    /// The last one is next: taking and adding at the end is cheap.
    private var stack: [Slice]
    private var receipt = SubscriptionReceipt()
    private var failure: (any Error)?

    init(messageCount: Int, options: SubscriptionOptions) {
        self.options = options
        stack =
            messageCount == 0 ? [] : [Slice(range: 0..<messageCount, attemptsBeforeSplit: options.attemptsBeforeSplit)]
    }

    /// The next step; asking again gives the same one until an event came, but for a pause, which is given once.
    mutating func next() -> Step {
        guard let slice = stack.last else { return .finished(receipt) }
        if let failure { return .failed(error: failure, attempts: slice.deliveries, settled: receipt) }
        if let verdict = slice.verdict {
            return .deadLetter(position: slice.range.lowerBound, error: verdict, attempts: slice.deliveries)
        }
        if slice.isPauseDue {
            stack[stack.count - 1].isPauseDue = false
            return .pause(failures: slice.deliveries)
        }
        return .deliver(slice.range, attempt: slice.deliveries + 1)
    }

    mutating func handle(_ event: Event) {
        guard var slice = stack.popLast() else { return }
        if case .deadLetterKept = event {
            receipt.deadLettered += 1
            return
        }
        if slice.deliveries > 0 { receipt.redeliveries += 1 }
        slice.deliveries += 1
        switch event {
        case .outcome(.acknowledged): receipt.acked += slice.range.count
        case .outcome(.failed(let failures)): handle(failures, of: slice)
        case .outcome(.rejected(let position, let error)): handleRejection(at: position, error, of: slice)
        case .failedAsWhole(let error): handleFailure(error, of: slice)
        case .unavailable(let error):
            if slice.deliveries >= options.maximumUnavailableAttempts { failure = error }
            slice.isPauseDue = true
            stack.append(slice)
        case .deadLetterKept: break
        }
    }

    /// Positions outside the delivery name no message of it, and naming one twice is naming it once.
    private mutating func handle(_ failures: [MessageFailure], of slice: Slice) {
        var errors: [Int: any Error] = [:]
        for failure in failures where failure.position >= 0 && failure.position < slice.range.count {
            errors[failure.position] = failure.error
        }
        receipt.acked += slice.range.count - errors.count
        // From the last to the first, so that the first comes to lie on top.
        var open: Slice?
        for position in errors.keys.sorted(by: >) {
            let message = slice.range.lowerBound + position
            if slice.deliveries >= options.maximumAttempts {
                stack.append(single(message, deliveries: slice.deliveries, verdict: errors[position]))
            } else if let run = open, run.range.lowerBound == message + 1 {
                open?.range = message..<run.range.upperBound
            } else {
                if let open { stack.append(open) }
                open = Slice(
                    range: message..<message + 1,
                    deliveries: slice.deliveries,
                    attemptsBeforeSplit: slice.attemptsBeforeSplit,
                    isPauseDue: true
                )
            }
        }
        if let open { stack.append(open) }
    }

    private mutating func handleRejection(at position: Int, _ error: any Error, of slice: Slice) {
        guard position >= 0, position < slice.range.count else {
            handleFailure(error, of: slice)
            return
        }
        let message = slice.range.lowerBound + position
        receipt.acked += position
        if message + 1 < slice.range.upperBound {
            stack.append(
                Slice(range: message + 1..<slice.range.upperBound, attemptsBeforeSplit: options.attemptsBeforeSplit)
            )
        }
        stack.append(single(message, deliveries: slice.deliveries, verdict: error))
    }

    private mutating func handleFailure(_ error: any Error, of slice: Slice) {
        var slice = slice
        if slice.range.count == 1, slice.deliveries >= options.maximumAttempts {
            slice.verdict = error
            stack.append(slice)
        } else if slice.range.count > 1, slice.deliveries >= slice.attemptsBeforeSplit {
            let middle = slice.range.lowerBound + slice.range.count / 2
            stack.append(Slice(range: middle..<slice.range.upperBound, attemptsBeforeSplit: 1))
            stack.append(Slice(range: slice.range.lowerBound..<middle, attemptsBeforeSplit: 1))
        } else {
            slice.isPauseDue = true
            stack.append(slice)
        }
    }

    private func single(_ message: Int, deliveries: Int, verdict: (any Error)?) -> Slice {
        Slice(range: message..<message + 1, deliveries: deliveries, attemptsBeforeSplit: 1, verdict: verdict)
    }
}
