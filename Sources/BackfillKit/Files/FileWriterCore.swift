import Foundation
import GRDB
import SQLConnectors

/// The blocking part of a file sink: one file, one thread, groups of batches in one commit each.
///
/// A commit is: append the lines, sync the data, then move the length and the ordinals in the ledger. Whatever fails, the open files
/// are dropped, and the next use opens them as after a crash: the file is cut to what the ledger counts.
final class FileWriterCore {
    /// A batch and whose it is.
    struct Item: Sendable {
        var records: RecordBatch
        var key: LedgerKey
    }

    /// Lines are handed to the system in pieces of about this many bytes, which bounds the memory of a group.
    private static let pieceBytes = 1 << 20

    private let target: FileTarget
    private let run: String
    private let fault: @Sendable (FileStep) throws -> Void
    private let buffer = LineBuffer(capacity: FileWriterCore.pieceBytes * 2)
    private var open: OpenFile?

    /// What belongs to one opening.
    private final class OpenFile {
        let descriptor: Int32
        let ledger: FileLedger
        let header: [UInt8]
        var committedBytes: Int64
        var nextOrdinals: [LedgerKey: Int64]

        init(descriptor: Int32, ledger: FileLedger, standing: FileStanding.Ledger) throws {
            self.descriptor = descriptor
            self.ledger = ledger
            header = standing.header
            committedBytes = standing.committedBytes
            nextOrdinals = try ledger.nextOrdinals()
        }

        deinit { Foundation.close(descriptor) }
    }

    init(_ target: FileTarget, run: String, fault: @escaping @Sendable (FileStep) throws -> Void) {
        self.target = target
        self.run = run
        self.fault = fault
    }

    // MARK: Before and after the records

    /// Opens the file, or begins it with its header line.
    func prepare(_ schema: RecordSchema) throws {
        try translatingFailures {
            try FileDisk.checkFolder(of: target)
            let header = target.encoder(for: schema).header
            let file = try opened(beginningWith: header)
            guard file.header == header else { throw otherColumns(of: file) }
        }
    }

    /// Gives the file its final name. Safe to repeat after a crash at any step.
    func finish() throws {
        try translatingFailures {
            switch try action() {
            case .finished: return
            case .begin:
                throw SinkError(
                    "\(target.file.path) was never begun, so there is nothing to finish: resume the run \(run)."
                )
            case .removeLedger: break
            case .carryOn:
                let file = try opened(beginningWith: nil)
                guard fsync(file.descriptor) == 0 else { throw DurableFile.Failure("sync", target.partial) }
                try file.ledger.markFinishing()
                try fault(.markedFinishing)
                // The ledger is folded into one file before anything depends on removing it.
                try file.ledger.close()
                open = nil
                try FileStanding(target: target, finalBytes: FileDisk.byteCount(of: target.file)).refuseFinal()
                guard rename(target.partial.path, target.file.path) == 0 else {
                    throw DurableFile.Failure("rename", target.partial)
                }
                try fault(.renamed)
            }
            open = nil
            try DurableFile.sync(target.folder)
            try fault(.folderSynced)
            try FileDisk.remove(target.ledger)
            try FileDisk.remove(URL(fileURLWithPath: target.ledger.path + "-wal"))
            try fault(.ledgerRemoved)
            try DurableFile.sync(target.folder)
        }
    }

    /// Looks what `prepare` would find, without changing the file.
    func check(_ schema: RecordSchema) throws {
        try translatingFailures {
            try FileDisk.checkFolder(of: target)
            if open == nil { try refuseFinished(action()) }
        }
    }

    /// What the ledger says of a bucket; nil when nothing of it was taken, or the file is not at work.
    func nextOrdinal(for key: LedgerKey) throws -> Int64? {
        try translatingFailures {
            guard open != nil || FileManager.default.fileExists(atPath: target.ledger.path) else { return nil }
            return try opened(beginningWith: nil).nextOrdinals[key]
        }
    }

    /// Removes what was begun and is not finished.
    func abandon() throws {
        try translatingFailures {
            open = nil
            guard case .carryOn = try action() else { return }
            try FileDisk.remove(target.partial)
            try FileDisk.remove(target.ledger)
            try FileDisk.remove(URL(fileURLWithPath: target.ledger.path + "-wal"))
        }
    }

    func close() { open = nil }

    // MARK: Writing

    /// Writes the batches in one commit and answers for each.
    func commit(_ items: [Item]) -> [Result<WriteOutcome, any Error>] {
        do {
            return try translatingFailures { try write(items) }
        } catch {
            return items.map { _ in .failure(error) }
        }
    }

    private func write(_ items: [Item]) throws -> [Result<WriteOutcome, any Error>] {
        let file = try opened(beginningWith: nil)
        try refuseUnlinked(file)
        var end = file.committedBytes
        var moved: [LedgerKey: Int64] = [:]
        let outcomes: [Result<WriteOutcome, any Error>]
        do {
            outcomes = try appendLines(of: items, to: file, at: &end, moving: &moved)
            guard !moved.isEmpty else { return outcomes }
            if end > file.committedBytes, fdatasync(file.descriptor) != 0 {
                throw DurableFile.Failure("sync", target.partial)
            }
            try fault(.dataSynced)
        } catch {
            // Gives the room back now, for on a full disk the ledger may need it to open again. Should it fail, the next opening cuts.
            _ = ftruncate(file.descriptor, off_t(file.committedBytes))
            throw error
        }
        // From here on only the ledger knows which length counts.
        try file.ledger.move(to: end, nextOrdinals: moved)
        file.committedBytes = end
        file.nextOrdinals.merge(moved) { $1 }
        try fault(.ledgerMoved)
        return outcomes
    }

    /// Appends what the ledger has not seen of each batch.
    ///
    /// - Parameters:
    ///   - end: the file's length with what was handed to the system.
    ///   - moved: the next ordinals of those that took something, or met a record that cannot be written.
    private func appendLines(
        of items: [Item],
        to file: OpenFile,
        at end: inout Int64,
        moving moved: inout [LedgerKey: Int64]
    ) throws -> [Result<WriteOutcome, any Error>] {
        buffer.cut(to: 0)
        try fault(.beforeWrite)
        let outcomes: [Result<WriteOutcome, any Error>] = try items.map { item in
            let next = moved[item.key] ?? file.nextOrdinals[item.key] ?? 0
            let first = Int(min(max(0, next - item.records.firstOrdinal), Int64(item.records.count)))
            guard first < item.records.count else { return .success(.written) }
            let encoder = target.encoder(for: item.records.schema)
            guard encoder.header == file.header else { return .failure(otherColumns(of: file)) }
            let (taken, unwritable) = try append(item.records, from: first, with: encoder, to: file, at: &end)
            moved[item.key] = item.records.firstOrdinal + Int64(taken)
            guard let unwritable else { return .success(.written) }
            return .success(.rejected(at: taken, unwritable.rejection(of: item.records, at: taken)))
        }
        try flush(to: file, at: &end)
        try fault(.dataWritten)
        return outcomes
    }

    /// Appends records up to one that cannot be written.
    ///
    /// - Returns: the position behind the last record taken, and what was wrong with the one there.
    private func append(
        _ records: RecordBatch,
        from first: Int,
        with encoder: any RecordEncoder,
        to file: OpenFile,
        at end: inout Int64
    ) throws -> (taken: Int, unwritable: UnwritableCell?) {
        let width = records.schema.columns.count
        return try records.withCells { cells, bytes in
            for position in first..<records.count {
                let start = buffer.count
                let record = UnsafeBufferPointer(rebasing: cells[position * width..<(position + 1) * width])
                if let unwritable = encoder.append(record, bytes, to: buffer) {
                    buffer.cut(to: start)
                    return (position, unwritable)
                }
                if buffer.count >= Self.pieceBytes { try flush(to: file, at: &end) }
            }
            return (records.count, nil)
        }
    }

    /// Hands the buffer's bytes to the system and empties it.
    private func flush(to file: OpenFile, at end: inout Int64) throws {
        let start = end
        try buffer.withBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = pwrite(file.descriptor, rest.baseAddress, rest.count, off_t(start) + off_t(written))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw DurableFile.Failure("write", target.partial)
                }
                written += count
            }
        }
        end += Int64(buffer.count)
        buffer.cut(to: 0)
    }

    // MARK: Opening

    /// - Parameter header: what a file that was not begun starts with; nil when it must have been begun.
    private func opened(beginningWith header: [UInt8]?) throws -> OpenFile {
        if let open { return open }
        let action = try action()
        try refuseFinished(action)
        let standing: FileStanding.Ledger
        let ledger: FileLedger
        let descriptor: Int32
        switch action {
        case .begin:
            guard let header else {
                throw TargetUnavailable(
                    "\(target.partial.path) and its ledger are gone. Bring them back, or start a new run."
                )
            }
            ledger = try FileLedger(at: target.ledger)
            descriptor = try openPartial(cuttingTo: 0, creating: true)
            standing = FileStanding.Ledger(
                run: run,
                format: target.format.rawValue,
                header: header,
                committedBytes: Int64(header.count),
                isFinishing: false
            )
        case .carryOn(let found):
            ledger = try FileLedger(at: target.ledger)
            descriptor = try openPartial(cuttingTo: found.committedBytes, creating: false)
            standing = found
        case .removeLedger, .finished: throw finishedAlready
        }
        let file: OpenFile
        do {
            file = try OpenFile(descriptor: descriptor, ledger: ledger, standing: standing)
        } catch {
            Foundation.close(descriptor)
            throw error
        }
        if action == .begin {
            try fault(.partialMade)
            var end: Int64 = 0
            buffer.cut(to: 0)
            standing.header.withUnsafeBufferPointer { buffer.append($0) }
            try flush(to: file, at: &end)
            guard fsync(descriptor) == 0 else { throw DurableFile.Failure("sync", target.partial) }
            try DurableFile.sync(target.folder)
            try ledger.begin(standing)
            try fault(.begun)
        }
        open = file
        return file
    }

    private func openPartial(cuttingTo byteCount: Int64, creating: Bool) throws -> Int32 {
        let descriptor = Foundation.open(target.partial.path, O_RDWR | O_CLOEXEC | (creating ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw DurableFile.Failure("open", target.partial) }
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            let failure = DurableFile.Failure("cut", target.partial)
            Foundation.close(descriptor)
            throw failure
        }
        return descriptor
    }

    private func action() throws -> FileStanding.Action {
        guard FileManager.default.fileExists(atPath: target.folder.path) else {
            throw TargetUnavailable(
                "The folder \(target.folder.path) of \(target.file.lastPathComponent) is gone. Bring it back."
            )
        }
        // A ledger is only looked into when there is one; its open connection holds the lock.
        let hasLedger = try FileDisk.byteCount(of: target.ledger) != nil
        let known = try open?.ledger.standing() ?? (hasLedger ? FileLedger(at: target.ledger).standing() : nil)
        return try FileStanding(
            target: target,
            ledger: known,
            partialBytes: FileDisk.byteCount(of: target.partial),
            finalBytes: FileDisk.byteCount(of: target.file)
        ).action(for: run)
    }

    private func refuseFinished(_ action: FileStanding.Action) throws {
        switch action {
        case .begin, .carryOn: return
        case .removeLedger: throw finishedAlready
        case .finished: try FileStanding(target: target, finalBytes: FileDisk.byteCount(of: target.file)).refuseFinal()
        }
    }

    private var finishedAlready: SinkError {
        SinkError(
            "\(target.file.path) is finished and takes no more records: finish the run (backfill resume \(run)), or name another file."
        )
    }

    /// A deleted file would take every byte and keep none.
    private func refuseUnlinked(_ file: OpenFile) throws {
        var facts = stat()
        guard fstat(file.descriptor, &facts) == 0 else { throw DurableFile.Failure("look at", target.partial) }
        guard facts.st_nlink > 0 else {
            throw SinkError(
                "\(target.partial.path) was deleted while the run wrote to it: its records are lost. Start a new run."
            )
        }
    }

    private func otherColumns(of file: OpenFile) -> SinkError {
        let columns = String(decoding: file.header, as: UTF8.self).trimmingCharacters(in: .newlines)
        return SinkError(
            "\(target.file.path) has the columns \(columns), and a query has others: give each query a file of its own."
        )
    }

    // MARK: Failures

    /// Drops what is open when anything fails, and says in the sink's words what it was.
    private func translatingFailures<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as DurableFile.Failure {
            dropOpen()
            throw FileDisk.unavailable(failure, target)
        } catch let failure as DatabaseError {
            dropOpen()
            throw translated(failure)
        } catch {
            dropOpen()
            throw error
        }
    }

    private func dropOpen() {
        open = nil
        buffer.cut(to: 0)
    }

    private func translated(_ failure: DatabaseError) -> any Error {
        let cause = failure.message ?? "SQLite error \(failure.resultCode.rawValue)"
        switch failure.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return TargetUnavailable(
                "\(target.file.path) is being written by another process, which holds \(target.ledger.path). Wait for it, or end it."
            )
        case .SQLITE_FULL:
            return TargetUnavailable(
                "The disk is full: \(target.ledger.path) cannot grow. Make room; what is written so far is safe."
            )
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return SinkError(
                "\(target.ledger.path) is damaged (\(cause)): delete it and \(target.partial.path), and start a new run."
            )
        default: return TargetUnavailable("\(target.ledger.path) cannot be written: \(cause).")
        }
    }
}
