import Foundation

@testable import BackfillKit
@testable import SQLConnectors

extension Property {
    /// A file sink whose ledger or partial file was damaged goes on or says what is wrong, and never crashes.
    static let ledger = Property(name: "ledger") { input in
        let sample = try await LedgerSample.shared.value
        var draw = Draw(input)
        let isLedger = draw.byte() % 8 > 0
        try await withFolder { folder in
            let target = FileTarget(file: folder.appending(path: "out.ndjson"), format: .ndjson)
            let (ledger, partial) = (sample.ledger, sample.partial)
            try Data(isLedger ? Damage.done(to: ledger, by: &draw) : ledger).write(to: target.ledger)
            try Data(isLedger ? partial : Damage.done(to: partial, by: &draw)).write(to: target.partial)
            let writer = FileWriter(target, run: LedgerSample.key.run)
            let records = LedgerSample.records
            try await told { try await writer.check(records.schema) }
            try await told { try await writer.prepare(records.schema) }
            try await told { _ = try await writer.nextOrdinal(for: LedgerSample.key) }
            try await told { _ = try await writer.write(records, for: LedgerSample.key) }
            try await told { try await writer.finish() }
            try await told { try await writer.abandon() }
            await writer.close()
        }
    }

    /// Errors that are meant for a person are fine.
    private static func told(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SinkError {
            try require(!error.description.isEmpty, "an error without words")
        } catch let error as TargetUnavailable {
            try require(!error.description.isEmpty, "an error without words")
        }
    }
}

/// A file sink's two files in the middle of a run.
struct LedgerSample {
    let ledger: [UInt8]
    let partial: [UInt8]

    static let key = LedgerKey(run: "customers-01jd4k2m9q7xw3", bucket: "01jd4k2m9q7xw3ab/1")
    static let shared = Task { try await make() }

    /// Ten records of one column, from 1.
    static var records: RecordBatch {
        var builder = RecordBatchBuilder(
            schema: RecordSchema(columns: [Column(name: "id")], keyIndex: 0),
            firstOrdinal: 1
        )
        for number in 1...10 {
            builder.append(.integer(Int64(number)))
            builder.endRecord()
        }
        return builder.finish()
    }

    private static func make() async throws -> LedgerSample {
        try await withFolder { folder in
            let target = FileTarget(file: folder.appending(path: "out.ndjson"), format: .ndjson)
            let writer = FileWriter(target, run: key.run)
            try await writer.prepare(records.schema)
            _ = try await writer.write(records.slice(0..<6), for: key)
            await writer.close()
            return LedgerSample(
                ledger: Array(try Data(contentsOf: target.ledger)),
                partial: Array(try Data(contentsOf: target.partial))
            )
        }
    }
}
