import Foundation
import GRDB
import SQLConnectors
import Synchronization
import TestSupport
import Testing

@testable import BackfillKit

private struct Crash: Error {}

/// Fails at a step the n-th time it comes.
private final class Faults: Sendable {
    private let pending: Mutex<(step: FileStep, countdown: Int, error: any Error)?>

    init(at step: FileStep, after count: Int = 0, throwing error: any Error = Crash()) {
        pending = Mutex((step, count, error))
    }

    func pass(_ step: FileStep) throws {
        let error: (any Error)? = pending.withLock { pending in
            guard let next = pending, next.step == step else { return nil }
            guard next.countdown == 0 else {
                pending?.countdown -= 1
                return nil
            }
            pending = nil
            return next.error
        }
        if let error { throw error }
    }
}

extension FileFormat {
    fileprivate func target(in folder: ScratchFolder) -> FileTarget {
        FileTarget(file: folder.url.appendingPathComponent("out.\(rawValue)"), format: self)
    }
}

private func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }

private func isWritten(_ outcome: WriteOutcome) -> Bool {
    if case .written = outcome { true } else { false }
}

private let bucket = LedgerKey(run: "r1", bucket: "1")

@Suite("A finished file holds each record exactly once")
struct FileWriterTests {
    @Test("Repeated and re-cut batches are trimmed; the name appears at the end", arguments: FileFormat.allCases)
    func trimming(format: FileFormat) async throws {
        let folder = try ScratchFolder()
        let target = format.target(in: folder)
        let writer = FileWriter(target, run: "r1")
        try await writer.check(Sample.schema("id"))
        #expect(try folder.names.isEmpty)
        try await writer.prepare(Sample.schema("id"))
        for range in [1..<4, 1..<4, 2..<6, 5..<6, 6..<8] as [Range<Int64>] {
            #expect(isWritten(try await writer.write(Sample.ordinals(range), for: bucket)))
        }
        #expect(try folder.names.contains("out.\(format.rawValue)") == false)
        try await writer.finish()
        try await writer.finish()
        #expect(try folder.names == ["out.\(format.rawValue)"])
        let lines = (1..<8).map { format == .csv ? "\($0)\n" : "{\"id\":\($0)}\n" }.joined()
        #expect(try text(target.file) == (format == .csv ? "id\n" : "") + lines)
        let mode = try FileManager.default.attributesOfItem(atPath: target.file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("No records leave a whole file", arguments: [(FileFormat.csv, "id\n"), (.ndjson, "")])
    func noRecords(format: FileFormat, content: String) async throws {
        let folder = try ScratchFolder()
        let target = format.target(in: folder)
        let writer = FileWriter(target, run: "r1")
        try await writer.prepare(Sample.schema("id"))
        try await writer.finish()
        #expect(try text(target.file) == content)
    }

    @Test("A record without a form is refused, those before it stay, those behind it may follow")
    func rejection() async throws {
        let folder = try ScratchFolder()
        let target = FileFormat.ndjson.target(in: folder)
        let writer = FileWriter(target, run: "r1")
        let schema = Sample.schema("id")
        try await writer.prepare(schema)
        let batch = Sample.batch(schema, [[.integer(1)], [.real(.nan)], [.integer(3)]])
        guard case .rejected(let position, let error) = try await writer.write(batch, for: bucket) else {
            Issue.record("the record was taken")
            return
        }
        #expect(position == 1 && error.ordinal == 2 && error.cause.contains("column id"))
        #expect(isWritten(try await writer.write(batch.slice(2..<3), for: bucket)))
        try await writer.finish()
        #expect(try text(target.file) == "{\"id\":1}\n{\"id\":3}\n")
    }

    @Test(
        "A crash at any step, and a torn tail, lose and repeat nothing",
        arguments: FileStep.allCases,
        [1, 2, 3] as [UInt64]
    )
    func crash(at step: FileStep, seed: UInt64) async throws {
        let folder = try ScratchFolder()
        let target = FileFormat.csv.target(in: folder)
        var numbers = SeededNumbers(state: seed)
        let count: Int64 = 400
        let buckets: [(key: LedgerKey, range: Range<Int64>)] = (0..<4).map { index in
            (LedgerKey(run: "r1", bucket: "\(index)"), 1 + Int64(index) * count / 4..<1 + Int64(index + 1) * count / 4)
        }
        let isWriting = [.beforeWrite, .dataWritten, .dataSynced, .ledgerMoved].contains(step)
        let faults = Faults(at: step, after: isWriting ? Int.random(in: 0..<8, using: &numbers) : 0)
        var hasCrashed = false
        // The first life dies at the step; the second does all of it again, from a cursor that may lie far behind, in other batches.
        for life in 0..<2 {
            let writer = life == 0 ? FileWriter(target, run: "r1", fault: faults.pass) : FileWriter(target, run: "r1")
            let seeds = buckets.map { _ in numbers.next() }
            do {
                if !FileManager.default.fileExists(atPath: target.file.path) {
                    try await writer.prepare(Sample.schema("id"))
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (bucket, seed) in zip(buckets, seeds) {
                            group.addTask {
                                var numbers = SeededNumbers(state: seed)
                                var next = bucket.range.lowerBound
                                while next < bucket.range.upperBound {
                                    let end = min(
                                        bucket.range.upperBound,
                                        next + Int64.random(in: 1...30, using: &numbers)
                                    )
                                    let outcome = try await writer.write(Sample.ordinals(next..<end), for: bucket.key)
                                    #expect(isWritten(outcome))
                                    next = end
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                try await writer.finish()
            } catch is Crash {
                hasCrashed = true
                await writer.close()
                try tearTail(of: target.partial, &numbers)
            }
        }
        #expect(hasCrashed, "seed \(seed)")
        #expect(try folder.names == ["out.csv"], "seed \(seed)")
        let lines = try text(target.file).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first == "id" && lines.last == "")
        let ordinals = lines.dropFirst().dropLast().map { Int64($0) ?? -1 }
        #expect(ordinals.sorted() == Array(1...count), "seed \(seed)")
        for bucket in buckets {
            #expect(
                ordinals.filter(bucket.range.contains) == Array(bucket.range),
                "seed \(seed): order within a bucket"
            )
        }
    }

    /// What a power cut may leave behind the synced length.
    private func tearTail(of partial: URL, _ numbers: inout SeededNumbers) throws {
        guard FileManager.default.fileExists(atPath: partial.path) else { return }
        let handle = try FileHandle(forWritingTo: partial)
        try handle.seekToEnd()
        try handle.write(
            contentsOf: Data(
                (0..<Int.random(in: 0...50, using: &numbers)).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
            )
        )
        try handle.close()
    }

    @Test(
        "A failing write is unavailable, leaves nothing, and later writes work",
        arguments: [FileStep.beforeWrite, .dataWritten, .dataSynced]
    )
    func failingWrite(step: FileStep) async throws {
        let folder = try ScratchFolder()
        let target = FileFormat.ndjson.target(in: folder)
        let faults = Faults(at: step, after: 1, throwing: DurableFile.Failure("write", target.partial, code: ENOSPC))
        let writer = FileWriter(target, run: "r1", fault: faults.pass)
        try await writer.prepare(Sample.schema("id"))
        _ = try await writer.write(Sample.ordinals(1..<3), for: bucket)
        let error = await #expect(throws: TargetUnavailable.self) {
            try await writer.write(Sample.ordinals(3..<5), for: bucket)
        }
        #expect(error?.description.contains("disk is full") == true)
        #expect(try text(target.partial) == "{\"id\":1}\n{\"id\":2}\n")
        #expect(isWritten(try await writer.write(Sample.ordinals(3..<5), for: bucket)))
        try await writer.finish()
        #expect(try text(target.file) == (1..<5).map { "{\"id\":\($0)}\n" }.joined())
    }

    @Test("A folder that is gone is unavailable until it is back")
    func folderGone() async throws {
        let folder = try ScratchFolder()
        let target = FileTarget(file: folder.url.appendingPathComponent("in/out.ndjson"), format: .ndjson)
        await #expect(throws: SinkError.self) { try await FileWriter(target, run: "r1").prepare(Sample.schema("id")) }
        try FileManager.default.createDirectory(at: target.folder, withIntermediateDirectories: true)
        let writer = FileWriter(target, run: "r1")
        try await writer.prepare(Sample.schema("id"))
        await writer.close()
        let away = folder.url.appendingPathComponent("away")
        try FileManager.default.moveItem(at: target.folder, to: away)
        await #expect(throws: TargetUnavailable.self) { try await writer.write(Sample.ordinals(1..<2), for: bucket) }
        try FileManager.default.moveItem(at: away, to: target.folder)
        #expect(isWritten(try await writer.write(Sample.ordinals(1..<2), for: bucket)))
        await writer.close()
    }
}

@Suite("A file that is not this run's, or damaged, is refused with what to do")
struct FileRefusalTests {
    private let standing = FileStanding.Ledger(
        run: "r1",
        format: "ndjson",
        header: [],
        committedBytes: 10,
        isFinishing: false
    )

    private func target() -> FileTarget { FileTarget(file: URL(fileURLWithPath: "/out/f.ndjson"), format: .ndjson) }

    private func action(_ ledger: FileStanding.Ledger?, partial: Int64?, final: Int64?, run: String = "r1") throws
        -> FileStanding.Action
    {
        try FileStanding(target: target(), ledger: ledger, partialBytes: partial, finalBytes: final).action(for: run)
    }

    private func refusal(_ ledger: FileStanding.Ledger?, partial: Int64?, final: Int64?, run: String = "r1") -> String {
        let error = #expect(throws: SinkError.self) { try action(ledger, partial: partial, final: final, run: run) }
        return error?.description ?? ""
    }

    @Test("What is on the disk decides")
    func decisions() throws {
        var finishing = standing
        finishing.isFinishing = true
        #expect(try action(nil, partial: nil, final: nil) == .begin)
        #expect(try action(nil, partial: 5, final: nil) == .begin)
        #expect(try action(nil, partial: nil, final: 5) == .finished)
        #expect(try action(standing, partial: 10, final: nil) == .carryOn(standing))
        #expect(try action(standing, partial: 12, final: nil) == .carryOn(standing))
        #expect(try action(finishing, partial: 10, final: nil) == .carryOn(finishing))
        #expect(try action(finishing, partial: nil, final: 10) == .removeLedger)
        #expect(refusal(finishing, partial: nil, final: 11).contains("was changed"))
        #expect(refusal(standing, partial: 9, final: nil).contains("is damaged"))
        #expect(refusal(standing, partial: nil, final: nil).contains("is gone"))
        #expect(refusal(standing, partial: 10, final: 3).contains("is there already"))
        #expect(refusal(nil, partial: 5, final: 3).contains("is there already"))
        #expect(refusal(standing, partial: 10, final: nil, run: "r2").contains("backfill resume r1"))
    }

    @Test("A ledger whose rows hold something else is damaged, and named")
    func damagedLedger() async throws {
        let folder = try ScratchFolder()
        let target = FileFormat.ndjson.target(in: folder)
        let writer = FileWriter(target, run: "r1")
        try await writer.prepare(Sample.schema("id"))
        _ = try await writer.write(Sample.ordinals(1..<3), for: bucket)
        await writer.close()
        try await DatabaseQueue(path: target.ledger.path).write {
            try $0.execute(sql: "UPDATE ledger SET next_ordinal = 'x'")
        }
        let refusal = await #expect(throws: SinkError.self) {
            try await writer.write(Sample.ordinals(3..<4), for: bucket)
        }
        #expect(refusal?.description.contains("\(target.ledger.path) is damaged") == true)
    }

    @Test("A second run, a finished file, and other columns are refused")
    func refusals() async throws {
        let folder = try ScratchFolder()
        let target = FileFormat.csv.target(in: folder)
        let first = FileWriter(target, run: "r1")
        try await first.prepare(Sample.schema("id"))
        await #expect(throws: SinkError.self) { try await first.prepare(Sample.schema("other")) }
        await #expect(throws: SinkError.self) {
            try await first.write(Sample.batch(Sample.schema("x"), [[.null]]), for: bucket)
        }
        _ = try await first.write(Sample.ordinals(1..<2), for: bucket)
        let second = FileWriter(target, run: "r2")
        for _ in 0..<2 {
            let locked = await #expect(throws: TargetUnavailable.self) { try await second.prepare(Sample.schema("id")) }
            #expect(locked?.description.contains("another process") == true)
        }
        await first.close()
        let error = await #expect(throws: SinkError.self) { try await second.prepare(Sample.schema("id")) }
        #expect(error?.description.contains("backfill resume r1") == true)
        try await first.finish()
        await #expect(throws: SinkError.self) { try await second.check(Sample.schema("id")) }
        await #expect(throws: SinkError.self) { try await second.prepare(Sample.schema("id")) }
        #expect(try text(target.file) == "id\n1\n")
    }
}
