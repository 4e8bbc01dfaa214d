import Testing
import Workflows

@testable import BackfillKit
import TestSupport

@Suite("Ids sort by the time they were made at")
struct SortableIDTests {
    @Test("A known time and randomness give a known id")
    func knownID() {
        #expect(SortableID.make(milliseconds: 0, random: 0) == "0000000000000000")
        #expect(SortableID.make(milliseconds: 1, random: 31) == "000000000100000z")
        #expect(SortableID.make(milliseconds: 1_794_816_000_000, random: 0x3FFF_FFFF) == "01m7hnxg00zzzzzz")
    }

    @Test("Later ids sort behind earlier ones, whatever their randomness", arguments: [1, 2, 3] as [UInt64])
    func order(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let earlier = Int64.random(in: 0..<(1 << 50 - 2), using: &random)
            let later = Int64.random(in: earlier + 1..<(1 << 50), using: &random)
            let one = SortableID.make(milliseconds: earlier, random: random.next())
            let other = SortableID.make(milliseconds: later, random: random.next())
            #expect(one < other, "seed \(seed): \(earlier) and \(later)")
            #expect(SortableID.isWellFormed(one) && one.utf8.count == 16, "seed \(seed)")
        }
    }

    @Test(
        "Times outside of the range count as its ends",
        arguments: [(-1, 0), (.min, 0), (1_125_899_906_842_624, 1_125_899_906_842_623), (.max, 1_125_899_906_842_623)]
            as [(Int64, Int64)]
    )
    func clamping(outside: Int64, nearest: Int64) {
        #expect(
            SortableID.make(milliseconds: outside, random: 7)
                == SortableID.make(milliseconds: nearest, random: 7)
        )
    }

    @Test(
        "Texts of another length or alphabet are no ids",
        arguments: [
            "", "000000000000000", "00000000000000000", "000000000000000i", "000000000000000A", "00000000-0000000",
            "00000000000000é",
        ]
    )
    func malformed(text: String) {
        #expect(!SortableID.isWellFormed(text))
    }

    @Test("A run id is the spec's name and fourteen characters that sort by time")
    func runID() {
        let run = RunID.make(name: "customer-config", milliseconds: 1_794_816_000_000, random: 0xF_FFFF)
        #expect(run.description == "customer-config-01m7hnxg00zzzz")
        #expect(run.rawValue < RunID.make(name: "customer-config", milliseconds: 1_794_816_000_001, random: 0).rawValue)
    }

    @Test("Ids are stored as plain text")
    func coding() throws {
        let encoded = try JSONText.encode([QueryID(rawValue: "q1")])
        #expect(encoded == #"["q1"]"#)
        #expect(try JSONText.decode([RunID].self, from: #"["a-1"]"#) == [RunID(rawValue: "a-1")])
    }
}
