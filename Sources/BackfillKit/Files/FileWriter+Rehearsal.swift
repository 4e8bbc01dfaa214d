import Foundation
import SQLConnectors

extension FileWriter {
    /// Writes records to a file of their own beside the target, which is deleted at once, and tells how long it takes until they are durable.
    ///
    /// The time is that of encoding and writing the records, syncing them and moving the ledger, as in a write; what it takes to begin a
    /// file is left out. Records that are refused cost what they cost in a write.
    ///
    /// - Throws: ``SinkError`` or ``TargetUnavailable``.
    static func rehearse(_ records: RecordBatch, for key: LedgerKey, _ target: FileTarget) async throws -> Duration {
        let name = ".\(target.file.lastPathComponent).rehearsal-\(UUID().uuidString)"
        let scratch = FileTarget(file: target.folder.appending(path: name), format: target.format)
        let writer = FileWriter(scratch, run: key.run)
        do {
            try await writer.prepare(records.schema)
            let clock = ContinuousClock()
            let began = clock.now
            var rest = records
            while case .rejected(let position, _) = try await writer.write(rest, for: key), position + 1 < rest.count {
                rest = rest.slice(position + 1..<rest.count)
            }
            let duration = clock.now - began
            try await writer.abandon()
            return duration
        } catch {
            // What failed is told; what it left behind, on a disk that is full or gone, may have to stay.
            try? await writer.abandon()
            throw error
        }
    }
}
