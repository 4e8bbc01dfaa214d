import TestSupport

@testable import PubSub

/// A topic whose subscribers, publishers and clock do as chance wills, with books of its own about what was settled.
struct TopicSimulation {
    typealias Machine = TopicMachine<Int>

    private struct Publish {
        var key: OrderingKey
        var messages: Int
        /// How often each message was settled, by subscription.
        var settled: [[Int]]
        var isCancelled = false
    }

    static let watermark = 60
    private static let subscriptionCount = 2

    private var random: SplitMix64
    private var machine: Machine
    private var now = Duration.zero
    private var publishes: [Int: Publish] = [:]
    private var results: [Int: Result<PublishReceipt, any Error>] = [:]
    private var flying: [DeliveryOrder] = []
    /// Expired, but the subscriber is still to answer.
    private var late: [DeliveryOrder] = []
    private var letters: [DeadLetterOrder] = []
    private var latest: [String: Int] = [:]
    private var isClosed = false
    /// What should not have happened.
    private(set) var complaints: [String] = []
    /// How many publishes ended in which way.
    private(set) var endings: [String: Int] = [:]

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        machine = Machine(
            topic: "t",
            options: TopicOptions(highWatermarkMessages: Self.watermark, highWatermarkBytes: 1000)
        )
        for index in 0..<Self.subscriptionCount {
            let options = SubscriptionOptions(
                ackDeadline: .seconds(10),
                maximumAttempts: Int.random(in: 1...4, using: &random),
                attemptsBeforeSplit: Int.random(in: 1...3, using: &random),
                maximumUnavailableAttempts: Int.random(in: 1...5, using: &random),
                backoff: Backoff(initial: .seconds(Int.random(in: 0...3, using: &random))),
                maximumConcurrentDeliveries: Int.random(in: 1...4, using: &random),
                cancelsWithPublisher: Bool.random(using: &random)
            )
            try machine.subscribe("s\(index)", options: options)
        }
    }

    mutating func run(publishes count: Int) throws {
        while publishes.count < count {
            if Int.random(in: 0..<4, using: &random) == 0 { try publish() } else { happen() }
        }
        act(machine.close())
        var steps = 0
        while !isClosed, steps < 100_000 {
            happen()
            steps += 1
        }
        check()
    }

    private mutating func publish() throws {
        let number = publishes.count + 1
        let messages = Int.random(in: 0..<20, using: &random) == 0 ? 90 : Int.random(in: 0...30, using: &random)
        let key = "k\(Int.random(in: 0..<4, using: &random))"
        let settled = [[Int]](repeating: [Int](repeating: 0, count: messages), count: Self.subscriptionCount)
        publishes[number] = Publish(key: key, messages: messages, settled: settled)
        let weight = AdmissionMachine.Weight(messages: messages, bytes: messages)
        act(
            try machine.publish(
                number,
                number,
                key: key,
                weight: weight,
                subscriptions: machine.subscriptions.count,
                at: now
            )
        )
    }

    private mutating func happen() {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<11: answer()
        case 11..<14: endDeadLetter()
        case 14..<19: passTime()
        default: cancel()
        }
    }

    private mutating func answer() {
        if !late.isEmpty, Bool.random(using: &random) {
            let order = late.removeFirst()
            let actions = machine.answered(order, .outcome(.acknowledged), at: now) { 0 }
            if !actions.isEmpty { complaints.append("a late answer to \(order) counted") }
            return
        }
        guard let index = flying.indices.randomElement(using: &random) else { return }
        let order = flying.remove(at: index)
        let answer = randomAnswer(to: order)
        for position in acked(by: answer, order) { settle(position, order.publish, order.subscription) }
        let chance = Double.random(in: 0...1, using: &random)
        act(machine.answered(order, answer, at: now) { chance })
    }

    private mutating func randomAnswer(to order: DeliveryOrder) -> DeliveryMachine.Answer {
        let positions = 0..<order.range.count
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return .failure(TableLocked(retryable: Int.random(in: 0..<8, using: &random) > 0))
        case 1, 2: return .failure(Bad(number: 0))
        case 3, 4:
            let bad = positions.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
            let failures = bad.map { position in
                let isPermanent = Int.random(in: 0..<4, using: &random) == 0
                return MessageFailure(position: position, error: Bad(number: position), isPermanent: isPermanent)
            }
            return .outcome(.failed(failures))
        case 5, 6:
            let position = Int.random(in: positions, using: &random)
            return .outcome(.rejected(at: position, Bad(number: position)))
        case 7: return .outcome(.rejected(at: positions.upperBound, Bad(number: -1)))
        default: return .outcome(.acknowledged)
        }
    }

    private func acked(by answer: DeliveryMachine.Answer, _ order: DeliveryOrder) -> [Int] {
        switch answer {
        case .failure: return []
        case .outcome(.acknowledged): return Array(order.range)
        case .outcome(.failed(let failures)):
            let failed = Set(failures.map { order.range.lowerBound + $0.position })
            return order.range.filter { !failed.contains($0) }
        case .outcome(.rejected(let position, _)):
            return position < order.range.count ? Array(order.range.prefix(position)) : []
        }
    }

    private mutating func endDeadLetter() {
        guard let index = letters.indices.randomElement(using: &random) else { return }
        let order = letters.remove(at: index)
        if Int.random(in: 0..<10, using: &random) == 0 {
            act(machine.deadLetterNotKept(order, Bad(number: 0), at: now))
        } else {
            settle(order.letter.position, order.publish, order.subscription)
            act(machine.deadLetterKept(order, at: now))
        }
    }

    private mutating func passTime() {
        guard let alarm = machine.alarm else {
            if flying.isEmpty, letters.isEmpty, results.count < publishes.count {
                complaints.append("\(publishes.count - results.count) publishes wait for nothing")
            }
            return
        }
        // Short of the alarm, at it, or far beyond.
        switch Int.random(in: 0..<6, using: &random) {
        case 0..<3: now = max(now, min(alarm, now + .seconds(1)))
        case 3..<5: now = max(now, alarm)
        default: now = max(now, alarm) + .seconds(5)
        }
        if now >= alarm { act(machine.wake(at: now) { 0.5 }) }
    }

    private mutating func cancel() {
        guard let number = publishes.keys.sorted().randomElement(using: &random), results[number] == nil else { return }
        publishes[number]?.isCancelled = true
        act(machine.cancel(number, at: now))
    }

    private mutating func act(_ actions: [Machine.Action]) {
        for action in actions {
            switch action {
            case .deliver(let order, let publisher): fly(order, publisher)
            case .keep(let order, _): letters.append(order)
            case .cancel(let delivery):
                guard let index = flying.firstIndex(where: { $0.delivery == delivery }) else {
                    complaints.append("delivery \(delivery) is cancelled, but not in flight")
                    continue
                }
                late.append(flying.remove(at: index))
            case .interrupt(let delivery):
                let order = flying.first { $0.delivery == delivery }
                if order.flatMap({ publishes[$0.publish] })?.isCancelled != true {
                    complaints.append("delivery \(delivery) is interrupted, but is not one of a cancelled publish")
                }
            case .finish(let publisher, let result):
                if results.updateValue(result, forKey: publisher) != nil {
                    complaints.append("publish \(publisher) finished twice")
                }
            case .closed: isClosed = true
            }
        }
        if machine.subscriptions.contains(where: { $0.hasPlace && !$0.ready.isEmpty }) {
            complaints.append("a place is free and somebody waits for it")
        }
        let active = Set((flying.map(\.publish) + letters.map(\.publish)))
        if machine.held.messages > Self.watermark, active.count > 1 {
            complaints.append("\(machine.held.messages) messages held for \(active.count) publishes")
        }
    }

    private mutating func fly(_ order: DeliveryOrder, _ publisher: Int) {
        guard let publish = publishes[publisher], publisher == order.publish else { return }
        let place = "\(publish.key) of s\(order.subscription)"
        if order.range.isEmpty || order.range.upperBound > publish.messages {
            complaints.append("range \(order.range)")
        }
        if publish.isCancelled { complaints.append("publish \(publisher) is delivered after its cancellation") }
        let isTwice = (flying + letters.map(delivery)).contains {
            $0.subscription == order.subscription && publishes[$0.publish]?.key == publish.key
        }
        if isTwice { complaints.append("two deliveries at once for \(place)") }
        if order.publish < latest[place, default: 0] { complaints.append("\(place) out of order") }
        latest[place] = order.publish
        let concurrent = flying.count { $0.subscription == order.subscription }
        if concurrent >= machine.subscriptions[order.subscription].options.maximumConcurrentDeliveries {
            complaints.append("too many deliveries at once for s\(order.subscription)")
        }
        for position in order.range where publish.settled[order.subscription][position] > 0 {
            complaints.append("message \(position) of \(publisher) is delivered after it was settled")
        }
        flying.append(order)
    }

    private func delivery(of letter: DeadLetterOrder) -> DeliveryOrder {
        DeliveryOrder(
            delivery: 0,
            publish: letter.publish,
            subscription: letter.subscription,
            range: 0..<1,
            attempt: 1
        )
    }

    private mutating func settle(_ position: Int, _ publish: Int, _ subscription: Int) {
        publishes[publish]?.settled[subscription][position] += 1
        if let count = publishes[publish]?.settled[subscription][position], count > 1 {
            complaints.append("message \(position) of \(publish) settled \(count) times")
        }
    }

    private mutating func check() {
        if !isClosed { complaints.append("the topic never closed") }
        for (number, publish) in publishes {
            let settled = publish.settled.map { $0.reduce(0, +) }
            switch results[number] {
            case nil: complaints.append("publish \(number) never finished")
            case .success(let receipt):
                endings["success", default: 0] += 1
                check(receipt, settled, of: number)
                if settled != [Int](repeating: publish.messages, count: Self.subscriptionCount) {
                    complaints.append("publish \(number) succeeded with \(settled) of \(publish.messages) settled")
                }
            case .failure(let error as PublishFailure):
                endings["failure", default: 0] += 1
                if !error.settled.subscriptions.isEmpty { check(error.settled, settled, of: number) }
            case .failure(let error):
                endings["cancellation", default: 0] += 1
                if !(error is CancellationError && publish.isCancelled) { complaints.append("\(number): \(error)") }
            }
        }
        for (index, subscription) in machine.subscriptions.enumerated() {
            let counters = subscription.counters
            let settled = publishes.values.reduce(0) { $0 + $1.settled[index].reduce(0, +) }
            if counters.acked + counters.deadLettered != settled { complaints.append("\(counters) for \(settled)") }
            if counters.inFlight != 0 || counters.waiting != 0 { complaints.append("\(counters) at the end") }
        }
        if machine.held != AdmissionMachine.Weight(messages: 0, bytes: 0) { complaints.append("\(machine.held) held") }
    }

    private mutating func check(_ receipt: PublishReceipt, _ settled: [Int], of number: Int) {
        let stated = (0..<Self.subscriptionCount).map { receipt.subscriptions["s\($0)"]?.settled ?? -1 }
        if stated != settled { complaints.append("the receipt of \(number) says \(stated), not \(settled)") }
    }
}
