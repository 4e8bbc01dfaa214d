import Testing

@testable import SQLConnectors
import TestSupport

@Suite("A batch holds its values exactly, and its slices are views of it")
struct RecordBatchTests {
    private let awkward: [Value] = [
        .null, .integer(.min), .integer(.max), .integer(0), .real(-0.0), .real(.infinity), .real(-.infinity),
        .real(.leastNonzeroMagnitude), .text(""), .text("a\0b"), .text("👩‍👩‍👧"), .blob([]), .blob([0, 255]),
        .text(String(repeating: "x", count: 1 << 20)),
    ]

    @Test("Every kind of value comes back as it went in")
    func values() {
        let batch = Sample.batch(Sample.schema("id", "value"), awkward.map { [.integer(1), $0] })
        for (row, value) in awkward.enumerated() { #expect(batch[row, 1] == value) }
        guard case .real(let zero) = batch[4, 1] else { return #expect(Bool(false), "a real stays a real") }
        #expect(zero.sign == .minus)
    }

    @Test(
        "A slice of a slice has the ordinals, bytes, values and cells of its positions",
        arguments: [1, 2, 3, 4, 5] as [UInt64]
    )
    func slices(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let rows = (0..<40).map { _ in [random.value(), random.value(), random.value()] }
        let batch = Sample.batch(Sample.schema("a", "b", "c"), from: 100, rows)
        for _ in 0..<50 {
            let outer = randomRange(within: 40, &random)
            let inner = randomRange(within: outer.count, &random)
            let slice = batch.slice(outer).slice(inner)
            let expected = Array(
                rows[outer][(outer.lowerBound + inner.lowerBound)..<(outer.lowerBound + inner.upperBound)]
            )
            #expect(slice.count == expected.count, "seed \(seed)")
            #expect(slice.firstOrdinal == 100 + Int64(outer.lowerBound + inner.lowerBound), "seed \(seed)")
            #expect(slice.endOrdinal == slice.firstOrdinal + Int64(slice.count), "seed \(seed)")
            #expect(slice.byteCount == expected.joined().map(\.byteCount).reduce(0, +), "seed \(seed)")
            for (row, values) in expected.enumerated() {
                #expect((0..<3).map { slice[row, $0] } == values, "seed \(seed)")
            }
            let cells = slice.withCells { cells, bytes in
                cells.map { cell in cell.kind == .text || cell.kind == .blob ? Array(bytes[cell.byteRange]) : [] }
            }
            #expect(cells == expected.joined().map(\.contentBytes), "seed \(seed)")
        }
    }

    private func randomRange(within count: Int, _ random: inout SplitMix64) -> Range<Int> {
        let start = Int.random(in: 0...count, using: &random)
        return start..<Int.random(in: start...count, using: &random)
    }

    @Test(
        "The record id is the key's text",
        arguments: [
            (.integer(-7), "-7"), (.text("a-b c"), "a-b c"), (.text(""), ""), (.real(0.1), "0.1"), (.real(1), "1.0"),
            (.blob([0, 10, 255]), "000aff"),
        ] as [(Value, String)]
    )
    func keys(key: Value, text: String) {
        #expect(Sample.batch(Sample.schema("id"), [[key]]).key(at: 0) == text)
    }

    @Test("Limits are at least one record and one byte, so that a batch always gets on")
    func limits() {
        #expect(BatchLimit(records: 0, bytes: -5) == BatchLimit(records: 1, bytes: 1))
    }

    @Test("A batch without records has no bytes and no cells")
    func empty() {
        let batch = Sample.batch(Sample.schema("id"), from: 5, [])
        #expect(batch.count == 0 && batch.byteCount == 0 && batch.endOrdinal == 5)
        #expect(batch.withCells { cells, _ in cells.count } == 0)
    }
}

extension Value {
    /// By the definition in words: 8 for a number, its bytes for text and blobs, 0 for NULL.
    fileprivate var byteCount: Int {
        switch self {
        case .null: 0
        case .integer, .real: 8
        case .text, .blob: contentBytes.count
        }
    }

    fileprivate var contentBytes: [UInt8] {
        switch self {
        case .text(let text): Array(text.utf8)
        case .blob(let blob): blob
        default: []
        }
    }
}
