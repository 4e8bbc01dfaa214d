import DequeModule
import HeapModule

/// Everything that a topic decides: who is admitted, whose turn it is, what an answer leads to, when a publish is over.
/// Pure: it is told the time and returns what is to be done, in that order.
///
/// - `Publisher`: Stands for a publish in the actions; the machine only carries it.
struct TopicMachine<Publisher: Sendable> {
    /// What the shell is to do.
    enum Action {
        case deliver(DeliveryOrder, Publisher)
        case keep(DeadLetterOrder, Publisher)
        /// Cancel the task of the delivery of this number; its answer no longer matters.
        case cancel(delivery: Int)
        /// Cancel the task of the delivery of this number; its answer still counts.
        case interrupt(delivery: Int)
        case finish(Publisher, Result<PublishReceipt, any Error>)
        /// Everything accepted is settled, and nothing more is accepted.
        case closed
    }

    /// Somebody asked to be taken up again; outdated when it no longer waits for this instant.
    private struct Timer: Comparable {
        var at: Duration
        var publish: Int
        var subscription: Int

        static func < (one: Timer, other: Timer) -> Bool { (one.at, one.publish) < (other.at, other.publish) }
    }

    private let topic: String
    private var admission: AdmissionMachine
    private(set) var subscriptions: [SubscriptionState] = []
    private var publications: [Int: Publication<Publisher>] = [:]
    private var timers = Heap<Timer>()
    private var deliveries = 0
    private var isClosed = false
    private var actions: [Action] = []
    /// When ``wake(at:chance:)`` is to be called, at the latest; may be too early, which does no harm.
    private(set) var alarm: Duration?

    init(topic: String, options: TopicOptions) {
        self.topic = topic
        admission = AdmissionMachine(options: options)
    }

    /// What the topic holds against its high watermark.
    var held: AdmissionMachine.Weight { admission.held }

    mutating func subscribe(_ name: String, options: SubscriptionOptions) throws(TopicError) {
        if isClosed { throw .closed(topic: topic) }
        if subscriptions.contains(where: { $0.name == name }) {
            throw .duplicateSubscription(topic: topic, subscription: name)
        }
        subscriptions.append(SubscriptionState(name: name, options: options))
    }

    /// - Parameters:
    ///   - number: Not used before.
    ///   - count: How many subscriptions get it, from the first; the publisher does not know the others.
    mutating func publish(
        _ number: Int,
        _ publisher: Publisher,
        key: OrderingKey,
        weight: AdmissionMachine.Weight,
        subscriptions count: Int,
        at now: Duration
    ) throws(TopicError) -> [Action] {
        if isClosed { throw .closed(topic: topic) }
        if count == 0 { throw .noSubscriptions(topic: topic) }
        publications[number] = Publication(
            publisher: publisher,
            key: key,
            weight: weight,
            open: count
        )
        if admission.request(number, weight) {
            admit(number)
            takeTurns(at: now)
        }
        return takeActions()
    }

    /// Ignores an answer that comes after the deadline.
    mutating func answered(
        _ order: DeliveryOrder,
        _ answer: DeliveryMachine.Answer,
        at now: Duration,
        chance: () -> Double
    ) -> [Action] {
        guard let delivery = subscriptions[order.subscription].inFlight.removeValue(forKey: order.delivery) else {
            return []
        }
        settle(delivery, of: order.subscription, answer, at: now, chance)
        takeTurns(at: now)
        return takeActions()
    }

    mutating func deadLetterKept(_ order: DeadLetterOrder, at now: Duration) -> [Action] {
        subscriptions[order.subscription].counters.deadLettered += 1
        subscriptions[order.subscription].counters.waiting -= 1
        publications[order.publish]?.parts[order.subscription].deadLetterKept()
        return freePlace(of: order, at: now)
    }

    mutating func deadLetterNotKept(_ order: DeadLetterOrder, _ error: any Error, at now: Duration) -> [Action] {
        subscriptions[order.subscription].lastError = error
        publications[order.publish]?.parts[order.subscription].deadLetterNotKept(error)
        return freePlace(of: order, at: now)
    }

    /// Expires what is overdue, and takes up again what has waited for an instant up to `now`.
    mutating func wake(at now: Duration, chance: () -> Double) -> [Action] {
        alarm = nil
        for index in subscriptions.indices { expire(index, at: now, chance) }
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard let part = publications[timer.publish]?.parts[timer.subscription], part.wakesAt == timer.at else {
                continue
            }
            subscriptions[timer.subscription].ready.append(timer.publish)
        }
        takeTurns(at: now)
        if let timer = timers.min { wakeUp(at: timer.at) }
        for subscription in subscriptions {
            for case let deadline? in subscription.inFlight.values.lazy.map(\.deadline) { wakeUp(at: deadline) }
        }
        return takeActions()
    }

    /// The publisher no longer wants it: a publish that waits for room leaves; of one that is accepted, what is not
    /// under way is withdrawn.
    mutating func cancel(_ number: Int, at now: Duration) -> [Action] {
        guard let publication = publications[number] else { return [] }
        if let admitted = admission.withdraw(number) {
            publications[number] = nil
            actions.append(.finish(publication.publisher, .failure(CancellationError())))
            admitted.forEach { admit($0) }
            noticeClosed()
        } else if !publication.isCancelled {
            publications[number]?.isCancelled = true
            for (index, part) in publication.parts.enumerated() where !part.isOver {
                publications[number]?.parts[index].withdraw()
                if part.isBusy {
                    interrupt(number, index)
                    continue
                }
                subscriptions[index].ready.removeAll { $0 == number }
                end(.withdrawn, number, index, at: now)
            }
        }
        takeTurns(at: now)
        return takeActions()
    }

    /// Nothing is accepted from now on; `.closed` follows when all that was is settled.
    mutating func close() -> [Action] {
        isClosed = true
        noticeClosed()
        return takeActions()
    }
}

extension TopicMachine {
    private mutating func takeActions() -> [Action] {
        let taken = actions
        actions = []
        return taken
    }

    private mutating func admit(_ number: Int) {
        guard let publication = publications[number] else { return }
        let part = DeliveryMachine(messageCount: publication.weight.messages)
        publications[number]?.parts = [DeliveryMachine](repeating: part, count: publication.open)
        for index in 0..<publication.open {
            subscriptions[index].counters.waiting += publication.weight.messages
            if subscriptions[index].ordering.join(number, key: publication.key) {
                subscriptions[index].ready.append(number)
            }
        }
    }

    private mutating func takeTurns(at now: Duration) {
        // A publish that ends lets others in, which may be the turn of a subscription that has been looked at already.
        while let index = subscriptions.firstIndex(where: { $0.hasPlace && !$0.ready.isEmpty }) {
            while subscriptions[index].hasPlace, let number = subscriptions[index].ready.popFirst() {
                step(number, index, at: now)
            }
        }
    }

    private mutating func step(_ number: Int, _ index: Int, at now: Duration) {
        guard let step = publications[number]?.parts[index].next(at: now),
            let publisher = publications[number]?.publisher
        else { return }
        switch step {
        case .deliver(let range, let attempt):
            deliver(range, attempt: attempt, of: number, to: index, publisher, at: now)
        case .keep(let letter):
            subscriptions[index].busy += 1
            let order = DeadLetterOrder(publish: number, subscription: index, letter: letter)
            actions.append(.keep(order, publisher))
        case .wait(let until):
            timers.insert(Timer(at: until, publish: number, subscription: index))
            wakeUp(at: until)
        case .end(let ending):
            end(ending, number, index, at: now)
        }
    }

    private mutating func deliver(
        _ range: Range<Int>,
        attempt: Int,
        of number: Int,
        to index: Int,
        _ publisher: Publisher,
        at now: Duration
    ) {
        deliveries += 1
        let deadline = subscriptions[index].options.ackDeadline.map { now + $0 }
        if let deadline { wakeUp(at: deadline) }
        subscriptions[index].busy += 1
        subscriptions[index].inFlight[deliveries] = SubscriptionState.InFlight(
            publish: number,
            messages: range.count,
            deadline: deadline
        )
        subscriptions[index].counters.delivered += range.count
        if attempt > 1 { subscriptions[index].counters.redelivered += range.count }
        subscriptions[index].counters.inFlight += range.count
        subscriptions[index].counters.waiting -= range.count
        let order = DeliveryOrder(
            delivery: deliveries,
            publish: number,
            subscription: index,
            range: range,
            attempt: attempt
        )
        actions.append(.deliver(order, publisher))
    }

    private mutating func settle(
        _ delivery: SubscriptionState.InFlight,
        of index: Int,
        _ answer: DeliveryMachine.Answer,
        at now: Duration,
        _ chance: () -> Double
    ) {
        subscriptions[index].busy -= 1
        let options = subscriptions[index].options
        let tally = publications[delivery.publish]?.parts[index].answered(
            answer,
            at: now,
            options: options,
            chance: chance
        )
        guard let tally else { return }
        subscriptions[index].counters.inFlight -= delivery.messages
        subscriptions[index].counters.waiting += delivery.messages - tally.acked
        subscriptions[index].counters.acked += tally.acked
        subscriptions[index].counters.nacked += tally.nacked
        if let error = answer.error { subscriptions[index].lastError = error }
        // Before anybody else takes the place, so that what is settled ends without waiting for a place.
        step(delivery.publish, index, at: now)
    }

    private mutating func freePlace(of order: DeadLetterOrder, at now: Duration) -> [Action] {
        subscriptions[order.subscription].busy -= 1
        step(order.publish, order.subscription, at: now)
        takeTurns(at: now)
        return takeActions()
    }

    private mutating func expire(_ index: Int, at now: Duration, _ chance: () -> Double) {
        guard let deadline = subscriptions[index].options.ackDeadline else { return }
        let overdue = subscriptions[index].inFlight.filter { $0.value.deadline.map { $0 <= now } ?? false }
        for (number, delivery) in overdue.sorted(by: { $0.key < $1.key }) {
            subscriptions[index].inFlight[number] = nil
            subscriptions[index].counters.expiredDeadlines += 1
            actions.append(.cancel(delivery: number))
            settle(delivery, of: index, .failure(AckDeadlineExceeded(deadline: deadline)), at: now, chance)
        }
    }

    private mutating func interrupt(_ number: Int, _ index: Int) {
        guard subscriptions[index].options.cancelsWithPublisher else { return }
        let underWay = subscriptions[index].inFlight.filter { $0.value.publish == number }.keys.sorted()
        for delivery in underWay { actions.append(.interrupt(delivery: delivery)) }
    }

    private mutating func wakeUp(at instant: Duration) {
        alarm = min(alarm ?? instant, instant)
    }

    /// Ends a publish for one subscription, lets the next of its key come forward, and finishes the publish if that was
    /// the last subscription to end.
    private mutating func end(_ ending: DeliveryMachine.Ending, _ number: Int, _ index: Int, at now: Duration) {
        guard let key = publications[number]?.key else { return }
        if case .failed(let reason, let cause, let attempts) = ending {
            publications[number]?.failures[index] = SubscriptionFailure(
                subscription: subscriptions[index].name,
                reason: reason,
                cause: cause,
                attempts: attempts
            )
            dismissLater(key, index, cause: cause)
        }
        if let next = subscriptions[index].ordering.leave(number, key: key) {
            subscriptions[index].ready.append(next)
        }
        close(number, index)
    }

    /// Fails for this subscription what has queued up behind a failed publish of the same key. To deliver it, and the
    /// failed one after it, would break the order.
    private mutating func dismissLater(_ key: OrderingKey, _ index: Int, cause: any Error) {
        let failure = SubscriptionFailure(
            subscription: subscriptions[index].name,
            reason: .earlierPublishFailed,
            cause: cause,
            attempts: 0
        )
        // Those without room first, and from the back: so none of them gets the room of another and is let in.
        for number in admission.waiting.reversed() where publications[number]?.key == key {
            guard let admitted = admission.withdraw(number),
                let dismissed = publications.removeValue(forKey: number)
            else { continue }
            let receipt = PublishReceipt(messageCount: dismissed.weight.messages, subscriptions: [:])
            let error = PublishFailure(topic: topic, failures: [failure], settled: receipt)
            actions.append(.finish(dismissed.publisher, .failure(error)))
            admitted.forEach { admit($0) }
        }
        for number in subscriptions[index].ordering.dismissBehindFirst(key: key) {
            publications[number]?.failures[index] = failure
            close(number, index)
        }
    }

    /// Closes the books on a publish for one subscription.
    private mutating func close(_ number: Int, _ index: Int) {
        guard let messages = publications[number]?.weight.messages,
            let settled = publications[number]?.parts[index].receipt.settled
        else { return }
        subscriptions[index].counters.waiting -= messages - settled
        publications[number]?.parts[index].abandon()
        publications[number]?.open -= 1
        guard publications[number]?.open == 0, let over = publications.removeValue(forKey: number) else { return }
        actions.append(.finish(over.publisher, over.result(topic: topic, subscriptions: subscriptions)))
        admission.release(over.weight).forEach { admit($0) }
        noticeClosed()
    }

    private mutating func noticeClosed() {
        guard isClosed, publications.isEmpty else { return }
        alarm = nil
        timers = Heap()
        actions.append(.closed)
    }
}
