import Foundation
import PubSub
import SQLConnectors

/// A file as a sink. Its final name appears when the run is complete.
struct FileSink: RehearsableSink {
    let name: String
    let writers = 1
    private let target: FileTarget
    private let writer: FileWriter

    init(_ target: FileTarget, name: String, run: RunID, faults: @escaping @Sendable (_ moment: String) throws -> Void)
    {
        self.name = name
        self.target = target
        writer = FileWriter(target, run: run.rawValue) { try faults("in a file at \($0)") }
    }

    func check(_ schema: RecordSchema) async throws { try await writer.check(schema) }
    func prepare(_ schema: RecordSchema) async throws { try await writer.prepare(schema) }

    func write(_ messages: RecordMessages) async throws -> DeliveryOutcome {
        DeliveryOutcome(try await writer.write(messages.records, for: messages.ledgerKey))
    }

    /// A finished file has no ledger any more.
    var lossAdvice: String? {
        FileManager.default.fileExists(atPath: target.file.path)
            ? nil : "\(target.partial.path) and \(target.ledger.path) are not those that it wrote. Put both back"
    }

    func nextOrdinal(for key: LedgerKey) async throws -> Int64? { try await writer.nextOrdinal(for: key) }
    func rehearse(_ messages: RecordMessages) async throws -> Duration {
        try await FileWriter.rehearse(messages.records, for: messages.ledgerKey, target)
    }

    func finish() async throws { try await writer.finish() }
    func abandon() async throws { try await writer.abandon() }
    func close() async { await writer.close() }
}
