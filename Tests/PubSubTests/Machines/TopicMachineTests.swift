import Testing

@testable import PubSub

/// Runs a topic's machine whose publishers are their numbers, and tells its actions as text.
private final class Script {
    private var machine: TopicMachine<Int>
    private var orders: [Int: DeliveryOrder] = [:]
    private var letters: [DeadLetterOrder] = []
    private var now = Duration.zero

    init(highWatermark: Int = 100, _ subscriptions: [String: SubscriptionOptions]) throws {
        machine = TopicMachine(topic: "t", options: TopicOptions(highWatermarkMessages: highWatermark))
        for (name, options) in subscriptions.sorted(by: { $0.key < $1.key }) {
            try machine.subscribe(name, options: options)
        }
    }

    var alarm: Duration? { machine.alarm }
    func counters(_ index: Int = 0) -> SubscriptionCounters { machine.subscriptions[index].report }

    func publish(_ number: Int, _ key: OrderingKey, _ messages: Int = 10) throws -> [String] {
        let weight = AdmissionMachine.Weight(messages: messages, bytes: 0)
        return tell(
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

    func answer(_ delivery: Int, _ outcome: DeliveryOutcome) throws -> [String] {
        tell(machine.answered(try #require(orders[delivery]), .outcome(outcome), at: now) { 0 })
    }

    func threw(_ delivery: Int, _ error: any Error) throws -> [String] {
        tell(machine.answered(try #require(orders[delivery]), .failure(error), at: now) { 0 })
    }

    func keptLetter() -> [String] { tell(machine.deadLetterKept(letters.removeFirst(), at: now)) }
    func lostLetter() -> [String] { tell(machine.deadLetterNotKept(letters.removeFirst(), Bad(number: 0), at: now)) }
    func cancel(_ number: Int) -> [String] { tell(machine.cancel(number, at: now)) }
    func close() -> [String] { tell(machine.close()) }

    func wake(after wait: Duration) -> [String] {
        now += wait
        return tell(machine.wake(at: now) { 0 })
    }

    private func tell(_ actions: [TopicMachine<Int>.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .deliver(let order, let publisher):
                orders[order.delivery] = order
                let name = machine.subscriptions[order.subscription].name
                return "#\(order.delivery) \(publisher)[\(order.range)] to \(name)"
            case .keep(let order, let publisher):
                letters.append(order)
                return "keep \(publisher)[\(order.letter.position)]"
            case .cancel(let delivery): return "cancel #\(delivery)"
            case .interrupt(let delivery): return "interrupt #\(delivery)"
            case .finish(let publisher, .success): return "\(publisher) settled"
            case .finish(let publisher, .failure(let error as PublishFailure)):
                return "\(publisher) failed: \(error.failures.map { "\($0.subscription) \($0.reason)" })"
            case .finish(let publisher, .failure(let error)): return "\(publisher) threw \(type(of: error))"
            case .closed: return "closed"
            }
        }
    }
}

private let plain = SubscriptionOptions(
    ackDeadline: .seconds(30),
    maximumUnavailableAttempts: 1,
    backoff: Backoff(initial: .seconds(1), jitter: 0)
)

@Suite("A topic settles each publish for every subscription, in order, within its bounds")
struct TopicMachineTests {
    @Test("A publish is over when the last subscription has settled it")
    func everySubscription() throws {
        let script = try Script(["a": plain, "b": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a", "#2 1[0..<10] to b"])
        #expect(try script.answer(2, .acknowledged) == [])
        #expect(try script.answer(1, .acknowledged) == ["1 settled"])
    }

    @Test("Publishes of a key go one after the other, other keys at the same time")
    func order() throws {
        let script = try Script(["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(try script.publish(2, "k") == [])
        #expect(try script.publish(3, "other") == ["#2 3[0..<10] to a"])
        #expect(try script.answer(1, .acknowledged) == ["1 settled", "#3 2[0..<10] to a"])
    }

    @Test("A subscription has no more deliveries under way than it wants, and one in backoff takes no place")
    func concurrency() throws {
        var options = plain
        options.maximumConcurrentDeliveries = 1
        let script = try Script(["a": options])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(try script.publish(2, "l") == [])
        #expect(try script.threw(1, Bad(number: 0)) == ["#2 2[0..<10] to a"])
        #expect(script.wake(after: .seconds(1)) == [], "its place is taken now")
        #expect(try script.answer(2, .acknowledged) == ["2 settled", "#3 1[0..<10] to a"])
    }

    @Test("What finds no room waits, and gets in when another publish is over")
    func room() throws {
        let script = try Script(highWatermark: 15, ["a": plain, "b": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a", "#2 1[0..<10] to b"])
        #expect(try script.publish(2, "l") == [])
        #expect(try script.answer(1, .acknowledged) == [])
        #expect(try script.answer(2, .acknowledged) == ["1 settled", "#3 2[0..<10] to a", "#4 2[0..<10] to b"])
    }

    @Test("Who gets in when a publish ends within a turn is delivered to every subscription at once")
    func roomWithinATurn() throws {
        let script = try Script(highWatermark: 10, ["a": plain, "b": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a", "#2 1[0..<10] to b"])
        #expect(try script.publish(2, "k", 0) == [])
        #expect(try script.publish(3, "m", 20) == [])
        #expect(try script.answer(1, .acknowledged) == [])
        #expect(
            try script.answer(2, .acknowledged) == [
                "1 settled", "2 settled", "#3 3[0..<20] to b", "#4 3[0..<20] to a",
            ]
        )
    }

    @Test("A delivery that outlives the ack deadline is cancelled and redelivered, and its late answer ignored")
    func deadline() throws {
        let script = try Script(["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(script.alarm == .seconds(30))
        #expect(script.wake(after: .seconds(29)) == [], "an early alarm does no harm")
        #expect(script.alarm == .seconds(30))
        #expect(script.wake(after: .seconds(1)) == ["cancel #1"])
        #expect(script.alarm == .seconds(31))
        #expect(script.counters().expiredDeadlines == 1)
        #expect(script.counters().lastError == "no answer within the ack deadline of 30.0 seconds")
        #expect(try script.answer(1, .acknowledged) == [])
        #expect(script.counters().acked == 0)
        #expect(script.wake(after: .seconds(1)) == ["#2 1[0..<10] to a"])
        #expect(try script.answer(1, .acknowledged) == [])
        #expect(try script.answer(2, .acknowledged) == ["1 settled"])
    }

    @Test("A publish fails when one subscription gives up, after the others have settled it")
    func failure() throws {
        let script = try Script(["a": plain, "b": plain])
        _ = try script.publish(1, "k")
        #expect(try script.threw(1, TableLocked()) == [])
        #expect(try script.answer(2, .acknowledged) == [#"1 failed: ["a unavailable"]"#])
    }

    @Test("Behind a failed publish those of its key fail too, with or without room, and no others")
    func failureInTheWay() throws {
        let script = try Script(highWatermark: 35, ["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(try script.publish(2, "k") == [])
        #expect(try script.publish(3, "l") == ["#2 3[0..<10] to a"])
        #expect(try script.publish(4, "k") == [])
        #expect(try script.publish(5, "k", 1) == [])
        #expect(try script.publish(6, "m", 1) == [])
        #expect(
            try script.threw(1, TableLocked()) == [
                #"5 failed: ["a earlierPublishFailed"]"#, #"4 failed: ["a earlierPublishFailed"]"#,
                #"2 failed: ["a earlierPublishFailed"]"#, #"1 failed: ["a unavailable"]"#, "#3 6[0..<1] to a",
            ]
        )
        #expect(script.counters().waiting == 0)
        #expect(try script.publish(7, "k") == ["#4 7[0..<10] to a"], "the key is free again")
    }

    @Test("A dead letter settles its message once it is kept, and fails the publish if it is not")
    func deadLetters() throws {
        let script = try Script(["a": plain])
        _ = try script.publish(1, "k")
        #expect(try script.answer(1, .rejected(at: 9, Bad(number: 9))) == ["keep 1[9]"])
        #expect(script.counters().waiting == 1)
        #expect(script.keptLetter() == ["1 settled"])
        #expect(script.counters().deadLettered == 1)
        _ = try script.publish(2, "k")
        #expect(try script.answer(2, .rejected(at: 9, Bad(number: 9))) == ["keep 2[9]"])
        #expect(script.lostLetter() == [#"2 failed: ["a deadLetterNotKept(position: 9)"]"#])
        #expect(script.counters().deadLettered == 1)
    }

    @Test("A cancelled publish leaves at once if nothing of it is under way")
    func cancelIdle() throws {
        let script = try Script(highWatermark: 25, ["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(try script.publish(2, "k") == [])
        #expect(try script.publish(3, "l") == [])
        #expect(try script.publish(4, "l") == [])
        #expect(script.cancel(3) == ["3 threw CancellationError"], "it had no room yet")
        #expect(script.cancel(3) == [])
        #expect(script.cancel(2) == ["2 threw CancellationError", "#2 4[0..<10] to a"], "its key was taken")
        #expect(try script.threw(1, Bad(number: 0)) == [])
        #expect(script.cancel(1) == ["1 threw CancellationError"], "it was in backoff")
        #expect(script.wake(after: .seconds(1)) == [], "its timer is outdated")
    }

    @Test("Of a cancelled publish what is under way is settled first")
    func cancelInFlight() throws {
        let script = try Script(["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(script.cancel(1) == [])
        #expect(try script.answer(1, .rejected(at: 4, Bad(number: 4))) == ["keep 1[4]"])
        #expect(script.keptLetter() == ["1 threw CancellationError"])
        #expect(script.counters().acked == 4)
        #expect(script.counters().waiting == 0)
    }

    @Test("A delivery hears of its publisher's cancellation where its subscription wants that; its answer still counts")
    func interrupted() throws {
        var interruptible = plain
        interruptible.cancelsWithPublisher = true
        let script = try Script(["a": interruptible])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(script.cancel(1) == ["interrupt #1"])
        #expect(script.cancel(1) == [])
        #expect(
            try script.answer(1, .failed([MessageFailure(position: 4, error: Bad(number: 4))]))
                == ["1 threw CancellationError"]
        )
        #expect(script.counters().acked == 9)
    }

    @Test("A closed topic refuses what is new, and is closed when the last publish is over")
    func close() throws {
        let script = try Script(highWatermark: 10, ["a": plain])
        #expect(try script.publish(1, "k") == ["#1 1[0..<10] to a"])
        #expect(try script.publish(2, "l") == [])
        #expect(script.close() == [])
        #expect(throws: TopicError.closed(topic: "t")) { try script.publish(3, "k") }
        #expect(try script.answer(1, .acknowledged) == ["1 settled", "#2 2[0..<10] to a"])
        #expect(try script.answer(2, .acknowledged) == ["2 settled", "closed"])
        #expect(script.close() == ["closed"])
    }

    @Test("Counters follow a message on its way")
    func counters() throws {
        let script = try Script(["a": plain])
        _ = try script.publish(1, "k")
        _ = try script.publish(2, "k", 5)
        #expect(script.counters().inFlight == 10)
        #expect(script.counters().waiting == 5)
        _ = try script.answer(1, .failed([MessageFailure(position: 3, error: Bad(number: 3))]))
        #expect(script.counters().acked == 9)
        #expect(script.counters().nacked == 1)
        #expect(script.counters().waiting == 6)
        #expect(script.counters().lastError == "bad 3")
        _ = script.wake(after: .seconds(1))
        #expect(script.counters().delivered == 11)
        #expect(script.counters().redelivered == 1)
        #expect(script.counters().inFlight == 1)
    }
}
