import Foundation
import NIOCore
import SQLConnectors
import TestSupport
import Testing

@testable import BackfillKit

@Suite("A request's body is the records as files have them, in any slice")
struct RequestBodyTests {
    @Test("Every slice of any batch, in every form", arguments: [UInt64.random(in: 0...UInt64.max)])
    func slices(seed: UInt64) throws {
        var random = SeededNumbers(state: seed)
        for _ in 0..<50 {
            let schema = Sample.schema("id", "a \"b\"", "c")
            let rows = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                [Value.integer(1), random.value(), random.value()]
            }
            let whole = Sample.batch(schema, [[.null, .null, .null]] + rows + [[.null, .null, .null]])
            // A slice's cells begin somewhere within the storage.
            let batch = whole.slice(1..<rows.count + 1)
            let lines = batch.indices.map { RecordJSON.lenientObject(of: batch, row: $0) }
            let start = Int.random(in: 0..<rows.count, using: &random)
            let range = start..<Int.random(in: start + 1...rows.count, using: &random)
            func text(_ form: HTTPSinkSpec.Body, _ range: Range<Int>) -> String {
                String(buffer: RequestBody(batch, as: form).bytes(of: range))
            }
            #expect(text(.record, start..<start + 1) == lines[start], "seed \(seed)")
            #expect(text(.ndjson, range) == lines[range].map { $0 + "\n" }.joined(), "seed \(seed)")
            #expect(text(.array, range) == "[\(lines[range].joined(separator: ","))]", "seed \(seed)")
        }
    }

    @Test("A value that JSON has no form for refuses its record, and no other", arguments: HTTPSinkSpec.Body.allCases)
    func unwritable(form: HTTPSinkSpec.Body) {
        let batch = Sample.batch(
            Sample.schema("id", "score"),
            from: 11,
            [[.integer(1), .real(0.5)], [.integer(2), .real(.nan)], [.integer(3), .real(-0.5)]]
        )
        let body = RequestBody(batch, as: form)
        #expect(body.unwritable.map(\.position) == [1])
        #expect(
            body.unwritable.first?.rejection.description
                == "record 2 (ordinal 12) was refused: column score holds nan, which JSON has no form for; select another value or NULL in its place"
        )
        let first = String(buffer: body.bytes(of: 0..<1))
        let last = String(buffer: body.bytes(of: 2..<3))
        #expect(first.contains(#"{"id":1,"score":0.5}"#) && last.contains(#"{"id":3,"score":-0.5}"#))
    }
}

extension RecordBatch {
    fileprivate var indices: Range<Int> { 0..<count }
}
