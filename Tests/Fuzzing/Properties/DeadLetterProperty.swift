import Foundation

@testable import BackfillKit
@testable import SQLConnectors

extension Property {
    /// Any text in the place of mended dead letters is lines or an error that names the line; what was exported and not touched changes
    /// nothing, whatever the record holds.
    static let deadLetter = Property(name: "dead-letter") { input in
        var draw = Draw(input)
        if draw.byte() % 2 == 0 {
            let text = draw.restText()
            guard let lines = try await read(text) else { return }
            let letter = Self.letter(of: sample, row: 0)
            for line in lines {
                do {
                    _ = try line.changes(to: letter, sample.schema)
                } catch let error as RunRefused {
                    try require(!error.description.isEmpty, "an error without words")
                }
            }
        } else {
            let batch = draw.batch()
            let letters = (0..<batch.count).map { Self.letter(of: batch, row: $0) }
            let exported = try letters.map { try DeadLetterLine.text(of: $0, query: "all") }
            let lines = try require(
                try await read(exported.joined(separator: "\n")),
                "an export is no import: \(exported)"
            )
            try require(lines.count == letters.count, "\(letters.count) letters are \(lines.count) lines")
            for (line, letter) in zip(lines, letters) {
                try require(line.queryID == letter.queryID && line.ordinal == letter.ordinal, "another letter")
                try require(line.subscription.utf8.elementsEqual(letter.subscription.utf8), "another subscription")
                let changes = try line.changes(to: letter, batch.schema)
                try require(changes.isEmpty, "untouched, and yet changed: \(changes)")
            }
        }
    }

    /// nil for a text that is refused by the name of its line.
    private static func read(_ text: String) async throws -> [DeadLetterLine]? {
        try await withFolder { folder in
            let file = folder.appending(path: "letters.ndjson")
            try Data(text.utf8).write(to: file)
            do {
                return try DeadLetterLine.read(file)
            } catch let error as RunRefused {
                try require(error.description.contains("letters.ndjson:"), "no line is named: \(error)")
                return nil
            }
        }
    }

    private static let sample = {
        let columns = ["id", "name", "balance", "data"].map { Column(name: $0) }
        var builder = RecordBatchBuilder(schema: RecordSchema(columns: columns, keyIndex: 0), firstOrdinal: 1)
        for value in [.integer(1), .text("Ada"), .real(0.1), .blob([1, 2])] as [Value] { builder.append(value) }
        builder.endRecord()
        return builder.finish()
    }()

    private static func letter(of batch: RecordBatch, row: Int) -> StoredDeadLetter {
        let query = QueryID(rawValue: "01jd4k2m9q7xw3ab")
        let recordID = batch.key(at: row)
        return StoredDeadLetter(
            runID: RunID(rawValue: "customers-01jd4k2m9q7xw3"),
            queryID: query,
            ordinal: batch.firstOrdinal + Int64(row),
            subscription: "table t\u{2028}\(recordID)",
            bucket: 1,
            recordID: recordID,
            executionID: "01jd4k2m9q7xw3cd",
            correlationID: "\(CorrelationID(queryID: query, executionID: "01jd4k2m9q7xw3cd", recordID: recordID))",
            errorType: "RecordRejected",
            error: "refused: \(recordID)",
            attempts: 1,
            payload: RecordJSON.lenientObject(of: batch, row: row),
            createdAt: 0
        )
    }
}
