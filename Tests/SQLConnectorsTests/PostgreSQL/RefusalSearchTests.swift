import TestSupport
import Testing

@testable import SQLConnectors

@Suite("The first bad row of a batch is found, and all before it are taken")
struct RefusalSearchTests {
    /// Plays a table that refuses some rows, and names a row when it refuses: the right one, a wrong one, or none.
    private func search(_ count: Int, bad: Set<Int>, hint: (Range<Int>) -> Int?) -> (
        end: Int, isFound: Bool, steps: Int
    ) {
        var search = RefusalSearch(rows: 0..<count)
        var steps = 0
        while let rows = search.next, steps < 1000 {
            steps += 1
            if rows.contains(where: bad.contains) { search.failed(naming: hint(rows)) } else { search.succeeded() }
        }
        return (search.end, search.isFound, steps)
    }

    @Test("Any rows, any bad ones, any hints", arguments: 0..<200 as Range<UInt64>)
    func any(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 1...2000, using: &random)
        let bad = Set(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0..<count, using: &random) }
        )
        let kind = Int.random(in: 0..<3, using: &random)
        let found = search(count, bad: bad) { rows in
            switch kind {
            case 0: nil
            case 1: bad.filter(rows.contains).min()
            default: Int.random(in: -5...count + 5, using: &random)
            }
        }
        #expect(found.end == bad.min() ?? count)
        #expect(found.isFound == !bad.isEmpty)
        #expect(found.steps <= (kind == 1 ? 3 : 40))
    }

    @Test("A row that is bad only beside another one, taken before, is found too")
    func togetherBad() {
        var search = RefusalSearch(rows: 0..<100)
        var taken: Set<Int> = []
        while let rows = search.next {
            // Row 70 repeats the key of row 3.
            if rows.contains(70), taken.contains(3) || rows.contains(3) {
                search.failed(naming: nil)
            } else {
                taken.formUnion(rows)
                search.succeeded()
            }
        }
        #expect(search.isFound && search.end == 70)
    }
}
