import TestSupport
import Testing

@testable import BackfillKit

@Suite("A pace holds on the whole and in every second")
struct PaceTests {
    /// How many ask, and by how many milliseconds at most the alarm is late.
    private static let crowds = [(1, 0), (8, 0), (64, 0), (1, 15), (8, 15), (64, 15)]
    private static let minute: Duration = .seconds(60)

    private func run(
        _ settings: FlowSettings,
        _ requester: FlowSimulation.Requester = .init(),
        crowd: (count: Int, latestAlarm: Int),
        for time: Duration = minute
    ) -> FlowSimulation {
        var simulation = FlowSimulation(
            settings,
            Array(repeating: requester, count: crowd.count),
            latestAlarm: crowd.latestAlarm,
            seed: UInt64(crowd.count * 100 + crowd.latestAlarm)
        )
        simulation.run(until: time)
        return simulation
    }

    /// - Parameter grain: what passes as a whole, and may stand at both ends of a second.
    private func expect(
        _ simulation: FlowSimulation,
        _ rate: Double,
        grain: Double = 0,
        of amount: (FlowSimulation.Passage) -> Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let total = Double(simulation.passages.reduce(0) { $0 + amount($1) })
        let expected = rate * 60
        #expect(
            abs(total - expected) <= expected * 0.02 + grain,
            "\(total) instead of \(expected)",
            sourceLocation: sourceLocation
        )
        #expect(
            Double(simulation.mostInASecond(amount)) <= rate * 1.1 + grain,
            "\(simulation.mostInASecond(amount)) in a second",
            sourceLocation: sourceLocation
        )
    }

    @Test("2,000 records a second", arguments: crowds)
    func records(crowd: (count: Int, latestAlarm: Int)) {
        let simulation = run(FlowSettings(pace: Pace(records: 2_000)), crowd: crowd)
        expect(simulation, 2_000, of: \.records)
    }

    @Test("It holds for aligned seconds too, from the first one on")
    func alignedSeconds() {
        let simulation = run(FlowSettings(pace: Pace(records: 2_000)), crowd: (8, 15))
        for second in 0..<60 {
            let records = simulation.records(from: .seconds(second), to: .seconds(second + 1))
            #expect((1_800...2_200).contains(records), "second \(second): \(records)")
        }
    }

    @Test("A few records a second go one by one", arguments: crowds)
    func fewRecords(crowd: (count: Int, latestAlarm: Int)) {
        let simulation = run(FlowSettings(pace: Pace(records: 3)), crowd: crowd)
        expect(simulation, 3, grain: 1, of: \.records)
        #expect(simulation.passages.allSatisfy { $0.records == 1 })
    }

    @Test("Bytes", arguments: crowds)
    func bytes(crowd: (count: Int, latestAlarm: Int)) {
        let rate = 10_485_760.0
        let requester = FlowSimulation.Requester(bytesPerRecord: 700)
        let simulation = run(FlowSettings(pace: Pace(bytes: rate)), requester, crowd: crowd)
        expect(simulation, rate, grain: 700, of: \.bytes)
    }

    @Test("Of records and bytes, whichever is reached first", arguments: [(10, true), (10_000, false)])
    func both(bytesPerRecord: Int, recordsDecide: Bool) {
        let settings = FlowSettings(pace: Pace(records: 2_000, bytes: 1_000_000))
        let requester = FlowSimulation.Requester(bytesPerRecord: bytesPerRecord)
        let simulation = run(settings, requester, crowd: (8, 15))
        if recordsDecide {
            expect(simulation, 2_000, of: \.records)
        } else {
            expect(simulation, 1_000_000, grain: 10_000, of: \.bytes)
        }
    }

    @Test("Records that are each larger than a second's bytes keep to it in the long run")
    func largeRecords() {
        let requester = FlowSimulation.Requester(bytesPerRecord: 3_000_000)
        let simulation = run(FlowSettings(pace: Pace(bytes: 1_000_000)), requester, crowd: (8, 15))
        #expect((19...21).contains(simulation.passages.count), "\(simulation.passages.count)")
    }

    @Test("Without a pace everything passes as it comes")
    func unlimited() {
        let simulation = run(FlowSettings(), crowd: (8, 0), for: .seconds(1))
        #expect(simulation.passages.allSatisfy { $0.records == 1_000 })
        // Eight that publish for 15 ms at most.
        #expect(simulation.passages.count >= 8 * 1000 / 16)
    }

    @Test("A lane's pace holds up only its own")
    func lanes() {
        let settings = FlowSettings(lanes: ["heavy": Pace(records: 100)])
        let requesters =
            Array(repeating: FlowSimulation.Requester(lane: "heavy"), count: 4)
            + [FlowSimulation.Requester(lane: "light"), FlowSimulation.Requester()]
        var simulation = FlowSimulation(settings, requesters, latestAlarm: 15, seed: 1)
        simulation.run(until: Self.minute)
        let heavy = simulation.records(from: .zero, to: Self.minute) { $0 < 4 }
        #expect((5_880...6_120).contains(heavy), "\(heavy)")
        // Each publishes for 15 ms at most, as if nobody else were there.
        for index in 4...5 {
            let passages = simulation.passages.filter { $0.requester == index }
            #expect(passages.count >= 60_000 / 16, "\(passages.count)")
            #expect(passages.allSatisfy { $0.records == 1_000 })
        }
    }

    @Test("A lane keeps to its own pace and to the run's")
    func lanesWithinTheRun() {
        let settings = FlowSettings(pace: Pace(records: 1_000), lanes: ["heavy": Pace(records: 200)])
        let requesters =
            Array(repeating: FlowSimulation.Requester(lane: "heavy"), count: 4)
            + Array(repeating: FlowSimulation.Requester(lane: "light"), count: 4)
        var simulation = FlowSimulation(settings, requesters, latestAlarm: 15, seed: 2)
        simulation.run(until: Self.minute)
        let heavy = simulation.records(from: .zero, to: Self.minute) { $0 < 4 }
        // Its pace is a limit, not a claim: what the others leave of the run's. First come, first served gives it the most of that.
        #expect((9_000...12_240).contains(heavy), "\(heavy)")
        expect(simulation, 1_000, of: \.records)
    }

    @Test("At most so many publish at once", arguments: [1, 3, 8])
    func concurrency(limit: Int) {
        let simulation = run(FlowSettings(concurrency: limit), crowd: (64, 0), for: .seconds(5))
        #expect(simulation.mostPublishing == limit)
        // Each leaves after 15 ms at most, and the next one passes at that moment.
        #expect(simulation.passages.count >= limit * 5_000 / 16)
    }

    @Test("A pace that is changed while many wait holds at once", arguments: [(1.0, 2_000.0), (2_000.0, 50.0)])
    func change(old: Double, new: Double) {
        var simulation = FlowSimulation(
            FlowSettings(pace: Pace(records: old)),
            Array(repeating: .init(), count: 64),
            seed: 3
        )
        simulation.change(to: FlowSettings(pace: Pace(records: new)), at: .milliseconds(10_500))
        simulation.run(until: .seconds(20))
        for tenth in 105..<190 {
            let start = Duration.milliseconds(tenth * 100)
            let records = Double(simulation.records(from: start, to: start + .seconds(1)))
            // A batch that was read for the old pace may be the first.
            #expect(records >= new * 0.9 - 1 && records <= new * 1.1 + 50, "from \(start): \(records)")
        }
    }

    @Test("A pace that is taken off holds nobody up any more")
    func takenOff() {
        var simulation = FlowSimulation(
            FlowSettings(pace: Pace(records: 1.0 / 3600), lanes: ["heavy": Pace(records: 1.0 / 3600)]),
            Array(repeating: .init(lane: "heavy"), count: 64),
            seed: 4
        )
        simulation.change(to: FlowSettings(), at: .seconds(10))
        simulation.run(until: .seconds(11))
        #expect(simulation.records(from: .zero, to: .seconds(10)) == 1)
        let first = Set(simulation.passages.filter { $0.at == .seconds(10) }.map(\.requester))
        #expect(first.count == 64)
    }

    @Test("A hold stops everything, and what comes after it makes up for nothing")
    func holds() {
        var simulation = FlowSimulation(
            FlowSettings(pace: Pace(records: 2_000)),
            Array(repeating: .init(), count: 8),
            latestAlarm: 15,
            seed: 5
        )
        simulation.hold([.paused(by: "anna@host")], at: .seconds(5))
        simulation.hold([.paused(by: "anna@host"), .probe(name: "lag", answer: "late")], at: .seconds(10))
        simulation.hold([.probe(name: "lag", answer: "late")], at: .seconds(15))
        simulation.hold([], at: .seconds(20))
        simulation.run(until: .seconds(30))
        #expect(simulation.records(from: .seconds(5), to: .seconds(20)) == 0)
        #expect(simulation.mostInASecond(\.records) <= 2_200)
        let after = simulation.records(from: .seconds(20), to: .seconds(30))
        #expect((19_600...20_400).contains(after), "\(after)")
    }

    @Test("A window that shuts turns everybody away, and lets them in when it opens")
    func window() {
        var simulation = FlowSimulation(
            FlowSettings(pace: Pace(records: 100)),
            Array(repeating: .init(), count: 8),
            seed: 6
        )
        simulation.close(.window, at: .seconds(5))
        simulation.open(at: .seconds(15))
        simulation.run(until: .seconds(20))
        #expect(simulation.records(from: .seconds(5), to: .seconds(15)) == 0)
        // Everybody who waited, and whoever came back meanwhile, once a second.
        #expect(simulation.turnedAway.count >= 8 * 9 && simulation.turnedAway.allSatisfy { $0 == .window })
        let after = simulation.records(from: .seconds(16), to: .seconds(20))
        #expect((380...420).contains(after), "\(after)")
    }

    @Test("A stop turns everybody away for good; batches that had passed are settled")
    func stop() {
        var simulation = FlowSimulation(FlowSettings(), Array(repeating: .init(), count: 8), seed: 7)
        simulation.close(.stopped, at: .seconds(1))
        simulation.run(until: .seconds(60))
        #expect(simulation.records(from: .seconds(1), to: .seconds(60)) == 0)
        #expect(simulation.turnedAway == Array(repeating: .stopped, count: 8))
        #expect(simulation.publishing == 0)
    }
}
