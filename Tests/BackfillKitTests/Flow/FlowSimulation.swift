import TestSupport

@testable import BackfillKit

/// The flow machine on a simulated clock, with requesters that publish what has passed and then ask again, and an alarm that may ring
/// late.
struct FlowSimulation {
    /// What a requester asks for, again and again.
    struct Requester {
        var lane: String?
        /// Records of a full batch.
        var records = 1_000
        var bytesPerRecord = 100
        /// How long publishing takes.
        var publishing: ClosedRange<Int> = 1...15
    }

    /// What passed.
    struct Passage {
        var at: Duration
        var requester: Int
        var records: Int
        var bytes: Int
    }

    private enum Event {
        case ask(Int)
        case leave(Int)
        case alarm(Duration)
        case change(FlowSettings)
        case hold([WaitReason])
        case close(TurnedAway)
        case open
    }

    private struct Entry {
        var at: Duration
        var number: Int
        var event: Event
        var order: (Duration, Int) { (at, number) }
    }

    private let requesters: [Requester]
    private let latestAlarm: Int
    private var random: SplitMix64
    private var machine: FlowMachine
    private var agenda: [Entry] = []
    private var scheduled = 0
    private var alarm: Duration?
    /// Bytes of the batch that each requester asks with.
    private var asked: [Int: (records: Int, bytes: Int)] = [:]
    private(set) var now: Duration = .zero
    private(set) var passages: [Passage] = []
    private(set) var turnedAway: [TurnedAway] = []
    private(set) var publishing = 0
    private(set) var mostPublishing = 0

    /// - Parameter latestAlarm: by so many milliseconds at most the alarm rings late.
    init(_ settings: FlowSettings, _ requesters: [Requester], latestAlarm: Int = 0, seed: UInt64) {
        self.requesters = requesters
        self.latestAlarm = latestAlarm
        random = SplitMix64(seed: seed)
        machine = FlowMachine(settings: settings, at: .zero)
        for index in requesters.indices { plan(.zero, .ask(index)) }
    }

    // MARK: What happens from outside

    mutating func change(to settings: FlowSettings, at instant: Duration) { plan(instant, .change(settings)) }
    mutating func hold(_ reasons: [WaitReason], at instant: Duration) { plan(instant, .hold(reasons)) }
    mutating func close(_ why: TurnedAway, at instant: Duration) { plan(instant, .close(why)) }
    mutating func open(at instant: Duration) { plan(instant, .open) }

    // MARK: What passed

    func records(from start: Duration, to end: Duration, requesters: (Int) -> Bool = { _ in true }) -> Int {
        passages.filter { $0.at >= start && $0.at < end && requesters($0.requester) }.reduce(0) { $0 + $1.records }
    }

    /// The most that passed in any second, wherever it begins.
    func mostInASecond(_ amount: (Passage) -> Int) -> Int {
        var (most, sum, first) = (0, 0, 0)
        for passage in passages {
            sum += amount(passage)
            while passages[first].at + .seconds(1) <= passage.at {
                sum -= amount(passages[first])
                first += 1
            }
            most = max(most, sum)
        }
        return most
    }

    // MARK: Running

    mutating func run(until end: Duration) {
        // There are never many: a requester has one, and the alarms.
        while let index = agenda.indices.min(by: { agenda[$0].order < agenda[$1].order }), agenda[index].at < end {
            let next = agenda.remove(at: index)
            now = next.at
            act(handle(next.event))
            setAlarm()
        }
        now = end
    }

    private mutating func handle(_ event: Event) -> [FlowMachine.Decision] {
        switch event {
        case .ask(let index):
            let requester = requesters[index]
            let records = machine.portion(of: requester.records, lane: requester.lane)
            let bytes = records * requester.bytesPerRecord
            asked[index] = (records, bytes)
            let request = FlowMachine.Request(id: index, lane: requester.lane, records: records, bytes: bytes)
            return machine.request(request, at: now)
        case .leave(let index):
            publishing -= 1
            plan(now, .ask(index))
            return machine.leave(at: now)
        case .alarm(let instant):
            // Another one was set meanwhile.
            guard alarm == instant else { return [] }
            alarm = nil
            return machine.wake(at: now)
        case .change(let settings): return machine.change(to: settings, at: now)
        case .hold(let reasons): return machine.hold(reasons, at: now)
        case .close(let why): return machine.close(why)
        case .open: return machine.open(at: now)
        }
    }

    private mutating func act(_ decisions: [FlowMachine.Decision]) {
        for decision in decisions {
            switch decision {
            case .pass(let index, let records):
                let bytes = asked[index].map { $0.bytes * records / max(1, $0.records) } ?? 0
                passages.append(Passage(at: now, requester: index, records: records, bytes: bytes))
                publishing += 1
                mostPublishing = max(mostPublishing, publishing)
                let time = Int.random(in: requesters[index].publishing, using: &random)
                plan(now + .milliseconds(time), .leave(index))
            case .turnAway(let index, let why):
                turnedAway.append(why)
                // Another execution goes on, a little later.
                if why == .window { plan(now + .seconds(1), .ask(index)) }
            }
        }
    }

    private mutating func setAlarm() {
        let instant = machine.opensAt(after: now)
        guard instant != alarm else { return }
        alarm = instant
        guard let instant else { return }
        let late = Int.random(in: 0...latestAlarm, using: &random)
        plan(max(now, instant) + .milliseconds(late), .alarm(instant))
    }

    private mutating func plan(_ instant: Duration, _ event: Event) {
        scheduled += 1
        agenda.append(Entry(at: instant, number: scheduled, event: event))
    }
}
