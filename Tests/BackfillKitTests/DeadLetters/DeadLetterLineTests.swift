import Foundation
import SQLConnectors
import TestSupport
import Testing

@testable import BackfillKit

@Suite("Dead letters that were exported and mended are read as they were meant")
struct DeadLetterLineTests {
    private let schema = Sample.schema("id", "note")

    private func letter(_ note: String) -> StoredDeadLetter {
        let records = Sample.batch(schema, [[.integer(1), .text(note)]])
        return StoredDeadLetter(
            runID: RunID(rawValue: "r-1"),
            queryID: QueryID(rawValue: "q"),
            ordinal: 1,
            subscription: "table t",
            bucket: 1,
            recordID: "1",
            executionID: "x",
            correlationID: "etl-q-x-1",
            errorType: "RecordRejected",
            error: "no: \(note)",
            attempts: 1,
            payload: RecordJSON.lenientObject(of: records, row: 0),
            createdAt: 0
        )
    }

    private func read(_ text: String) throws -> [DeadLetterLine] {
        let folder = try ScratchFolder()
        let file = folder.file("letters.ndjson")
        try Data(text.utf8).write(to: file)
        return try withExtendedLifetime(folder) { try DeadLetterLine.read(file) }
    }

    @Test(
        "A record's text may hold whatever Unicode takes for the end of a line",
        arguments: ["\u{2028}", "\u{2029}", "\u{85}", "\u{B}", "\u{C}", "\r", "\n", "\r\n"]
    )
    func lineEnds(end: String) throws {
        let letters = ["one\(end)two", "three"].map { letter($0) }
        let lines = try read(letters.map { try DeadLetterLine.text(of: $0, query: "all") }.joined(separator: "\n"))
        #expect(lines.count == 2)
        for (line, letter) in zip(lines, letters) { #expect(try line.changes(to: letter, schema).isEmpty) }
    }

    @Test("Lines may end as Windows ends them, and empty ones are left out")
    func windows() throws {
        let line = try DeadLetterLine.text(of: letter("x"), query: "all").replacing("\"x\"", with: "\"y\"")
        let lines = try read("\r\n\(line)\r\n \n\(line)\r\n")
        #expect(lines.count == 2)
        for line in lines { #expect(try line.changes(to: letter("x"), schema) == [1: .text("y")]) }
        let refusal = #expect(throws: RunRefused.self) { try read("\(line)\r\n\r\n{}") }
        #expect(refusal?.description.contains("letters.ndjson:3:") == true)
    }
}
