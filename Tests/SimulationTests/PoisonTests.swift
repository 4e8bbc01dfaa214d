import Foundation
import GRDB
import SQLConnectors
import Testing

@testable import BackfillKit

@Suite("A record that a sink can never take becomes one dead letter, and holds up nothing")
struct PoisonTests {
    /// One query in two buckets of few batches.
    private static let seed = (0 as UInt64..<1000).first { seed in
        let scenario = Scenario(seed: seed, records: 40...40, poisoned: 1...1)
        return scenario.idsByQuery.count == 1 && scenario.buckets == 2 && scenario.batch > 12
    }

    private static func scenario() throws -> Scenario {
        Scenario(seed: try #require(seed), records: 40...40, poisoned: 1...1)
    }

    @Test("The dead letter says which record, where it was refused and why", .timeLimit(.minutes(10)))
    func deadLetter() async throws {
        let scenario = try Self.scenario()
        try scenario.create()
        let outcome = try await SimulatedProcess(scenario: scenario, life: Life(moments: nil)).live()
        #expect(outcome?.state == .complete)
        let inspection = try await Inspection.inspect(scenario, isComplete: true)
        #expect(inspection.violations == [])
        let letter = try #require(inspection.letters.first)
        let id = try #require(scenario.poisoned.first)
        struct Payload: Decodable, Equatable {
            var id: Int
            var name: String
            var score: Double
        }
        let payload = try JSONDecoder().decode(Payload.self, from: Data(letter.payload.utf8))
        #expect(payload == Payload(id: id, name: Scenario.poison, score: Double(id) / 4))
        #expect(letter.recordID == "\(id)")
        #expect(letter.correlationID == "etl-\(letter.queryID)-\(letter.executionID)-\(id)")
        #expect(letter.subscription.hasPrefix("table \(scenario.appendTable)"))
        #expect(letter.errorType == "RecordRejected")
        #expect(letter.error.contains("CHECK constraint failed"))
        try scenario.remove()
    }

    @Test("It is counted once, whichever write a process dies at", .timeLimit(.minutes(10)))
    func countedOnce() async throws {
        var lettersBeforeCheckpoints = 0
        var moments = 0
        while true {
            // Every other one: to die after a write is to die before the next.
            moments += 2
            let scenario = try Self.scenario()
            try scenario.create()
            let died = try await SimulatedProcess(scenario: scenario, life: Life(moments: moments)).live() == nil
            if died {
                let inspection = try await Inspection.inspect(scenario, isComplete: false)
                #expect(inspection.violations == [], "after dying at moment \(moments)")
                if inspection.letters.count == 1, inspection.run?.deadLettered == 0 { lettersBeforeCheckpoints += 1 }
                let outcome = try await SimulatedProcess(scenario: scenario, life: Life(moments: nil)).live()
                #expect(outcome?.state == .complete)
            }
            let inspection = try await Inspection.inspect(scenario, isComplete: true)
            #expect(inspection.violations == [], "after dying at moment \(moments), at the end")
            try scenario.remove()
            if !died { break }
        }
        #expect(moments > 50)
        #expect(lettersBeforeCheckpoints > 0, "no process died between a dead letter and its checkpoint")
    }

    @Test(
        "When its target is mended between two lives it arrives once or stays a dead letter, never both and never neither",
        .timeLimit(.minutes(10))
    )
    func mendedBetween() async throws {
        var moments = 0
        var ends: Set<String> = []
        while true {
            moments += 2
            let scenario = try Self.scenario()
            try scenario.create()
            let died = try await SimulatedProcess(scenario: scenario, life: Life(moments: moments)).live() == nil
            guard died else {
                try scenario.remove()
                break
            }
            let table = scenario.appendTable
            let database = try DatabaseQueue(path: scenario.appendDatabase.path)
            try await database.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE mended (id INTEGER, name TEXT, score REAL); INSERT INTO mended SELECT * FROM \(table);
                        DROP TABLE \(table); ALTER TABLE mended RENAME TO \(table)
                        """
                )
            }

            let outcome = try await SimulatedProcess(scenario: scenario, life: Life(moments: nil)).live()

            #expect(outcome?.state == .complete)
            let ids = try await database.read { db in try Int.fetchAll(db, sql: "SELECT id FROM \(table) ORDER BY id") }
            let letters = try await Inspection.letters(of: scenario)
            let poison = try #require(scenario.poisoned.first)
            ends.insert(letters.isEmpty ? "arrived" : "dead letter")
            #expect(
                letters.isEmpty ? ids == scenario.ids : ids == scenario.ids.filter { $0 != poison },
                "after dying at moment \(moments), with \(letters.count) dead letters"
            )
            try database.close()
            try scenario.remove()
        }
        #expect(ends == ["arrived", "dead letter"])
    }
}
