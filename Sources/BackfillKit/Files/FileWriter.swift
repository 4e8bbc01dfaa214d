import Foundation
public import SQLConnectors
import Synchronization

/// A file as a sink writes to it: each record once in the finished file, however often its batch is handed in.
///
/// Lines go to `<file>.partial`, beside a ledger `<file>.ledger`; ``finish()`` gives the file its name. All are readable by their owner only.
/// Batches of different buckets follow one another in the order in which they were committed; within a bucket the order is kept.
/// There is one writer per file and run; executors share it.
public final class FileWriter: Sendable {
    private enum Command: Sendable {
        case check(RecordSchema)
        case prepare(RecordSchema)
        case write(FileWriterCore.Item)
        case finish, abandon
        case close
    }

    private let committer: GroupCommitter<Command, WriteOutcome>
    private let core: Core

    /// Shared with the committer's thread; only that thread takes the lock, so it never waits.
    private final class Core: Sendable {
        let core: Mutex<FileWriterCore>
        init(_ core: sending FileWriterCore) { self.core = Mutex(core) }
    }

    /// Names the file and the run that writes it; nothing is opened yet.
    public convenience init(_ target: FileTarget, run: String) {
        self.init(target, run: run) { _ in }
    }

    /// - Parameter fault: called at each step; what it throws breaks the writing off there.
    init(_ target: FileTarget, run: String, fault: @escaping @Sendable (FileStep) throws -> Void) {
        let core = Core(FileWriterCore(target, run: run, fault: fault))
        self.core = core
        committer = GroupCommitter(label: "write \(target.file.lastPathComponent)") { commands in
            core.core.withLock { Self.run(commands, on: $0) }
        }
    }

    /// Looks whether the file can be begun or carried on, without changing it.
    ///
    /// - Throws: ``SinkError``: no folder, a finished file or another run's ledger in the way, a damaged file. ``TargetUnavailable`` when
    ///   another process writes it.
    public func check(_ schema: RecordSchema) async throws {
        _ = try await committer.submit(.check(schema))
    }

    /// Begins the file, or carries on where its ledger stands: a torn tail is cut. Needed once before the first write of a run, also
    /// when there are no records; safe to repeat.
    ///
    /// - Throws: as ``check(_:)``; ``SinkError`` also when a CSV file has other columns.
    public func prepare(_ schema: RecordSchema) async throws {
        _ = try await committer.submit(.prepare(schema))
    }

    /// Takes the records that the ledger has not seen; returns when they are on the disk. Batches that wait are committed together.
    /// A bucket has one batch under way at a time: one behind a refused record would move the ledger past what is left of the first.
    ///
    /// - Returns: `.rejected` at a record that the format has no form for; those before it are durable, and the ledger stands at it.
    /// - Throws: ``TargetUnavailable``; the batch may be handed in again when the cause is mended. ``SinkError`` when the file is finished,
    ///   was deleted, or has other columns.
    public func write(_ records: RecordBatch, for key: LedgerKey) async throws -> WriteOutcome {
        try await committer.submit(.write(FileWriterCore.Item(records: records, key: key)))
    }

    /// The next ordinal of a bucket that the file has not durably taken; nil when it has taken nothing of it, or is finished.
    ///
    /// - Throws: as ``check(_:)``.
    public func nextOrdinal(for key: LedgerKey) async throws -> Int64? {
        let answer = Mutex<Result<Int64?, any Error>>(.success(nil))
        await committer.afterWriting {
            let found = Result { try self.core.core.withLock { try $0.nextOrdinal(for: key) } }
            answer.withLock { $0 = found }
        }
        return try answer.withLock { $0 }.get()
    }

    /// Gives the file its final name and removes the ledger. Safe to repeat, also after a crash between any two steps; on a file that has its
    /// final name and no ledger it does nothing.
    ///
    /// - Throws: ``SinkError`` when a file of the final name has come up meanwhile, or nothing was begun; ``TargetUnavailable``.
    public func finish() async throws {
        _ = try await committer.submit(.finish)
    }

    /// Removes the file that was begun, and its ledger: nobody will finish it. A finished file stays. Safe to repeat.
    public func abandon() async throws {
        _ = try await committer.submit(.abandon)
    }

    /// Closes what is open; a later call opens it again.
    public func close() async {
        // Closing has no way to fail; the answer only says that it was done.
        _ = try? await committer.submit(.close)
    }

    /// Runs commands in order; writes that stand side by side share a commit.
    private static func run(_ commands: [Command], on core: FileWriterCore) -> [Result<WriteOutcome, any Error>] {
        var outcomes: [Result<WriteOutcome, any Error>] = []
        var items: [FileWriterCore.Item] = []
        func commitItems() {
            guard !items.isEmpty else { return }
            outcomes += core.commit(items)
            items = []
        }
        func answer(_ body: () throws -> Void) {
            commitItems()
            outcomes.append(Result { try body() }.map { .written })
        }
        for command in commands {
            switch command {
            case .write(let item): items.append(item)
            case .check(let schema): answer { try core.check(schema) }
            case .prepare(let schema): answer { try core.prepare(schema) }
            case .finish: answer { try core.finish() }
            case .abandon: answer { try core.abandon() }
            case .close: answer { core.close() }
            }
        }
        commitItems()
        return outcomes
    }
}
