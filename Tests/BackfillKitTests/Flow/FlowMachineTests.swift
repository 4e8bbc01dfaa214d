import TestSupport
import Testing

@testable import BackfillKit

@Suite("At the gate nobody is lost, nobody passes twice, and who came first goes first")
struct FlowMachineTests {
    private func request(_ id: Int, lane: String? = nil, records: Int = 1) -> FlowMachine.Request {
        FlowMachine.Request(id: id, lane: lane, records: records, bytes: records * 10)
    }

    @Test("Who withdraws is not let in, and keeps nobody else out")
    func withdraw() {
        var machine = FlowMachine(settings: FlowSettings(concurrency: 1), at: .zero)
        var decisions = (1...3).map { machine.request(request($0), at: .zero) }
        #expect(decisions == [[.pass(1, records: 1)], [], []])
        machine.withdraw(2)
        decisions = [machine.leave(at: .zero)]
        #expect(decisions == [[.pass(3, records: 1)]])
        machine.withdraw(3)
        decisions = [machine.leave(at: .zero)]
        #expect(decisions == [[]])
    }

    @Test("More places let in as many more at once")
    func morePlaces() {
        var machine = FlowMachine(settings: FlowSettings(concurrency: 1), at: .zero)
        for id in 1...6 { _ = machine.request(request(id), at: .zero) }
        var decisions = machine.change(to: FlowSettings(concurrency: 4), at: .zero)
        #expect(decisions == [.pass(2, records: 1), .pass(3, records: 1), .pass(4, records: 1)])
        decisions = machine.change(to: FlowSettings(concurrency: 2), at: .zero)
        for _ in 0..<2 { decisions += machine.leave(at: .zero) }
        #expect(decisions.isEmpty)
        decisions = machine.leave(at: .zero)
        #expect(decisions == [.pass(5, records: 1)])
    }

    @Test("A batch that is larger than a pace lets pass at once is cut, never to nothing")
    func portions() {
        var machine = FlowMachine(settings: FlowSettings(pace: Pace(records: 2_000)), at: .zero)
        #expect(machine.portion(of: 1_000, lane: nil) == 50)
        #expect(machine.portion(of: 10, lane: nil) == 10)
        var decisions = machine.request(request(1, records: 1_000), at: .zero)
        #expect(decisions == [.pass(1, records: 50)])
        _ = machine.change(to: FlowSettings(pace: Pace(bytes: 1)), at: .zero)
        decisions = machine.request(request(2, records: 1_000), at: .zero)
        #expect(decisions == [.pass(2, records: 1)])
        _ = machine.change(to: FlowSettings(lanes: ["heavy": Pace(records: 400)]), at: .zero)
        #expect(machine.portion(of: 1_000, lane: "heavy") == 10)
        #expect(machine.portion(of: 1_000, lane: "light") == 1_000)
    }

    @Test("Of limits that several processes share each keeps to its part, and names the whole")
    func shared() {
        var machine = FlowMachine(settings: FlowSettings(pace: Pace(records: 3_000), workers: 3), at: .zero)
        #expect(machine.portion(of: 1_000, lane: nil) == 25)
        _ = machine.request(request(1, records: 25), at: .zero)
        _ = machine.request(request(2), at: .zero)
        #expect(machine.reason(at: .zero)?.description == "pace of 3000 records/s")
        var decisions = machine.change(to: FlowSettings(concurrency: 5, workers: 3), at: .zero)
        #expect(decisions.isEmpty, "one of the five, and it is at work")
        #expect(machine.reason(at: .zero)?.description == "at most 5 batches at once")
        decisions = machine.change(to: FlowSettings(concurrency: 5, workers: 2), at: .zero)
        #expect(decisions.count == 1)
    }

    @Test("It says why everybody waits: hold, places, the run's pace, a lane's")
    func reasons() {
        let settings = FlowSettings(pace: Pace(records: 10), lanes: ["heavy": Pace(records: 1)], concurrency: 2)
        var machine = FlowMachine(settings: settings, at: .zero)
        #expect(machine.reason(at: .zero) == nil)
        _ = machine.request(request(1, lane: "heavy"), at: .zero)
        #expect(machine.reason(at: .zero) == nil, "nobody waits")
        _ = machine.request(request(2, lane: "heavy"), at: .zero)
        #expect(machine.reason(at: .zero)?.description == "pace of 10 records/s")
        _ = machine.wake(at: .milliseconds(500))
        #expect(machine.reason(at: .milliseconds(500))?.description == "pace of 1 records/s in lane heavy")
        _ = machine.request(request(3), at: .milliseconds(500))
        _ = machine.request(request(4), at: .milliseconds(700))
        #expect(machine.reason(at: .milliseconds(700))?.description == "at most 2 batches at once")
        _ = machine.hold([.paused(by: "anna@host")], at: .milliseconds(700))
        #expect(machine.reason(at: .milliseconds(700))?.description == "paused by anna@host")
        _ = machine.close(.window)
        #expect(machine.reason(at: .milliseconds(700)) == nil, "the window says so itself")
    }

    @Test("An alarm that is late is not forgotten for what happens meanwhile")
    func lateAlarm() {
        var machine = FlowMachine(settings: FlowSettings(pace: Pace(records: 10)), at: .zero)
        for id in 1...3 { _ = machine.request(request(id), at: .zero) }
        #expect(machine.opensAt(after: .zero) == .milliseconds(100))
        // Somebody withdraws after the moment and before the alarm: nobody has been let in, and somebody must be.
        machine.withdraw(3)
        #expect(machine.opensAt(after: .milliseconds(110)) == .milliseconds(100))
        let decisions = machine.wake(at: .milliseconds(115))
        #expect(decisions == [.pass(2, records: 1)])
        #expect(machine.opensAt(after: .milliseconds(115)) == nil)
    }

    @Test("Whatever happens, everybody gets exactly one answer", arguments: 0..<8 as Range<UInt64>)
    func randomEvents(block: UInt64) {
        var passed = 0
        for seed in block * 50..<(block + 1) * 50 {
            var check = FlowMachineCheck(seed: seed)
            check.run(events: 300)
            #expect(check.complaints.isEmpty, "seed \(seed)")
            passed += check.passed
        }
        #expect(passed > 50 * 20)
    }
}
