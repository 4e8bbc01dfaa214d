import TestSupport

@testable import BackfillKit

/// Random events to a flow machine, and whether each of its answers is allowed.
struct FlowMachineCheck {
    private struct Waiting {
        var id: Int
        var lane: String?
    }

    private static let lanes = [nil, "heavy", "light"]

    private var random: SplitMix64
    private var settings = FlowSettings()
    private var machine = FlowMachine(settings: FlowSettings(), at: .zero)
    private var now: Duration = .zero
    private var waiting: [Waiting] = []
    private var publishing = 0
    private var isHeld = false
    private var closure: TurnedAway?
    private var requests = 0
    private(set) var passed = 0
    private(set) var complaints: [String] = []

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func run(events: Int) {
        for _ in 0..<events { step() }
        // Everything that could keep anybody waiting is taken away.
        isHeld = false
        act(machine.hold([], at: now), after: "the last release")
        if closure != nil { open() }
        settings = FlowSettings()
        act(machine.change(to: settings, at: now), after: "the last change")
        while publishing > 0 { leave() }
        if !waiting.isEmpty { complaints.append("lost: \(waiting.map(\.id))") }
    }

    private mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<35: ask()
        case ..<60: if publishing > 0 { leave() }
        case ..<75:
            // Whoever waits is woken when the machine says, or late.
            let alarm = machine.opensAt(after: now) ?? now
            now = max(now, alarm) + .milliseconds(Int.random(in: 0...20, using: &random))
            act(machine.wake(at: now), after: "waking")
        case ..<82:
            guard let gone = waiting.randomElement(using: &random) else { return }
            machine.withdraw(gone.id)
            waiting.removeAll { $0.id == gone.id }
        case ..<90:
            settings = randomSettings()
            act(machine.change(to: settings, at: now), after: "a change")
        case ..<92:
            isHeld = true
            act(machine.hold([.paused(by: "anna")], at: now), after: "holding")
        case ..<97:
            isHeld = false
            act(machine.hold([], at: now), after: "releasing")
        case 97:
            closure = .window
            act(machine.close(.window), after: "closing")
            if !waiting.isEmpty { complaints.append("not turned away: \(waiting.map(\.id))") }
        default: open()
        }
        expectAnAlarm()
    }

    private mutating func ask() {
        requests += 1
        let lane = Self.lanes.randomElement(using: &random) ?? nil
        let records = Int.random(in: 1...500, using: &random)
        waiting.append(Waiting(id: requests, lane: lane))
        let request = FlowMachine.Request(id: requests, lane: lane, records: records, bytes: records * 100)
        act(machine.request(request, at: now), after: "request \(requests)")
    }

    private mutating func leave() {
        publishing -= 1
        act(machine.leave(at: now), after: "leaving")
    }

    private mutating func open() {
        closure = nil
        act(machine.open(at: now), after: "opening")
    }

    private mutating func act(_ decisions: [FlowMachine.Decision], after what: String) {
        for decision in decisions {
            switch decision {
            case .pass(let id, let records):
                guard let place = waiting.firstIndex(where: { $0.id == id }) else {
                    complaints.append("\(id) passed after \(what), and did not wait")
                    continue
                }
                let overtaken = waiting[..<place].filter { earlier in
                    // Only who waits for a lane's pace is overtaken, and not by its own lane.
                    earlier.lane == waiting[place].lane
                        || earlier.lane.flatMap { settings.lanes[$0] }?.isUnlimited != false
                }
                if !overtaken.isEmpty { complaints.append("\(id) overtook \(overtaken.map(\.id)) after \(what)") }
                if isHeld || closure != nil { complaints.append("\(id) passed a gate that is shut, after \(what)") }
                if records < 1 { complaints.append("\(id) passed with \(records) records") }
                waiting.remove(at: place)
                publishing += 1
                passed += 1
                if let limit = settings.ownConcurrency, publishing > limit {
                    complaints.append("\(publishing) publish where \(limit) may, after \(what)")
                }
            case .turnAway(let id, let why):
                guard let place = waiting.firstIndex(where: { $0.id == id }) else {
                    complaints.append("\(id) was turned away after \(what), and did not wait")
                    continue
                }
                if why != closure { complaints.append("\(id) was turned away because \(why)") }
                waiting.remove(at: place)
            }
        }
    }

    /// Whoever could pass by waiting alone is woken.
    private mutating func expectAnAlarm() {
        let hasRoom = settings.ownConcurrency.map { publishing < $0 } ?? true
        guard !waiting.isEmpty, !isHeld, closure == nil, hasRoom else { return }
        if machine.opensAt(after: now) == nil { complaints.append("nobody will wake \(waiting.map(\.id))") }
    }

    private mutating func randomSettings() -> FlowSettings {
        func rate(_ random: inout SplitMix64) -> Double? {
            Bool.random(using: &random) ? nil : Double.random(in: 10...50_000, using: &random)
        }
        var settings = FlowSettings()
        settings.pace = Pace(records: rate(&random), bytes: rate(&random))
        for lane in Self.lanes.compactMap({ $0 }) {
            if Bool.random(using: &random) { settings.lanes[lane] = Pace(records: rate(&random), bytes: rate(&random)) }
        }
        settings.concurrency = Bool.random(using: &random) ? nil : Int.random(in: 1...6, using: &random)
        settings.workers = Int.random(in: 1...3, using: &random)
        return settings
    }
}
