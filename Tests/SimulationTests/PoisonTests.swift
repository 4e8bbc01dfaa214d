import Foundation
import GRDB
import TestSupport
import Testing

@testable import BackfillKit
@testable import SQLConnectors
@testable import Simulation

@Suite(
    "A record that a sink can never take becomes one dead letter, and holds up nothing",
    .enabled(if: Simulation.isPossible, "a sanitizer needs the real system")
)
struct PoisonTests {
    /// One query in two buckets of few batches, one record of which is poisoned.
    private static let seed = (0 as UInt64..<10_000).first { seed in
        var random = SplitMix64(seed: seed)
        let scenario = Scenario(seed: seed, random: &random, records: 16...16, poisoned: 1...1)
        return scenario.idsByQuery.count == 1 && scenario.buckets == 2 && scenario.batch > 4 && scenario.hasFile
            && scenario.pace == nil && !scenario.keepsStateInFiles
    }

    private static func with(_ body: @escaping @Sendable (World, MachineReference) async throws -> Void) async throws {
        let seed = try #require(seed)
        try await Lanes.alone { try World.with(seed: seed, records: 16...16, poisoned: 1...1, body) }
    }

    /// Lets a process die at a moment.
    ///
    /// - Returns: whether it came to that.
    private static func die(at moment: Int, _ world: World, _ machine: MachineReference) async throws -> Bool {
        let fate = Fate(moments: moment, disk: machine.disk)
        let end = try await SimulatedProcess(world: world, fate: fate).live()
        fate.end()
        try await Task.sleep(for: .seconds(1))
        machine.disk.revive()
        if case .died = end { return true }
        return false
    }

    private static func complete(_ world: World) async throws {
        guard case .reported(.complete, _) = try await SimulatedProcess(world: world, fate: Fate(moments: nil)).live()
        else { throw SinkError("the run is not complete") }
    }

    @Test("The dead letter says which record, where it was refused and why", .timeLimit(.minutes(10)))
    func deadLetter() async throws {
        let found = Noted<(letters: [StoredDeadLetter], violations: [String], poison: Int, sink: String)>()
        try await Self.with { world, _ in
            try await Self.complete(world)
            let inspection = try await Inspection.inspect(world)
            let sink = world.subscription(world.scenario.appendTable, world.appendDatabase)
            found.note((inspection.letters, inspection.violations, world.scenario.poisoned.first ?? 0, sink))
        }
        let (letters, violations, id, sink) = try #require(found.last)
        #expect(violations == [])
        let letter = try #require(letters.first)
        struct Payload: Decodable, Equatable {
            var id: Int
            var name: String
            var score: Double
        }
        let payload = try JSONDecoder().decode(Payload.self, from: Data(letter.payload.utf8))
        #expect(payload == Payload(id: id, name: Scenario.poison, score: Double(id) / 4))
        #expect(letter.recordID == "\(id)")
        #expect(letter.correlationID == "etl-\(letter.queryID)-\(letter.executionID)-\(id)")
        #expect(letter.subscription == sink)
        #expect(letter.errorType == "RecordRejected")
        #expect(letter.error.contains("CHECK constraint failed"))
    }

    @Test("It is counted once, whichever write a process dies at", .timeLimit(.minutes(10)))
    func countedOnce() async throws {
        let found = Noted<(died: Bool, isLetterAhead: Bool, violations: [String])>()
        var moments = 0
        while found.last?.died ?? true {
            moments += 1
            let moment = moments
            try await Self.with { world, machine in
                let died = try await Self.die(at: moment, world, machine)
                let between = try await Inspection.inspect(world)
                let settled = try await world.store.read { db in
                    try Int.fetchOne(db, sql: "SELECT total(dead_lettered) FROM bucket")
                }
                if died { try await Self.complete(world) }
                let end = try await Inspection.inspect(world)
                found.note((died, between.letters.count == 1 && settled == 0, between.violations + end.violations))
            }
            #expect(found.last?.violations == [], "after dying at moment \(moment)")
        }
        #expect(moments > 50)
        #expect(found.all.contains { $0.isLetterAhead }, "no process died between a dead letter and its checkpoint")
    }

    @Test(
        "When its target is mended between two lives it arrives once or stays a dead letter, never both and never neither",
        .timeLimit(.minutes(10))
    )
    func mendedBetween() async throws {
        let found = Noted<(died: Bool, letters: Int, isRight: Bool)>()
        var moments = 0
        while found.last?.died ?? true {
            moments += 1
            let moment = moments
            try await Self.with { world, machine in
                guard try await Self.die(at: moment, world, machine) else { return found.note((false, 0, true)) }
                try world.mendTarget()
                try await Self.complete(world)
                let rows = try World.connection(world.appendDatabase)
                    .prepare("SELECT id FROM \(world.scenario.appendTable) ORDER BY id")
                var ids: [Int] = []
                while try rows.step() { ids.append(Int(rows.integer(0))) }
                let letters = try await world.store.read { db in
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM dead_letter") ?? 0
                }
                let expected = world.scenario.ids.filter { letters == 0 || !world.scenario.poisoned.contains($0) }
                found.note((true, letters, ids == expected))
            }
            #expect(found.last?.isRight == true, "after dying at moment \(moment)")
        }
        #expect(Set(found.all.filter(\.died).map(\.letters)) == [0, 1])
    }
}

/// What a simulation noted for its test.
final class Noted<Value>: @unchecked Sendable {
    // Written on a machine's thread while the test waits for it, and read after that.
    private(set) var all: [Value] = []
    var last: Value? { all.last }
    func note(_ value: Value) { all.append(value) }
}
