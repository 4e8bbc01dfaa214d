import Synchronization

/// A comparison over one session, which it keeps on a thread of its own.
final class SessionComparison: TableComparison {
    private let worker: SerialWorker<(any ComparisonSession)?>
    private let pause: @Sendable () async throws -> Void
    /// Holds the connection, so it goes when that is closed.
    private let interruption: Mutex<@Sendable () -> Void>

    /// - Parameters:
    ///   - pause: what lies between the first look and the second, in which a program that takes a row away and puts it back can end.
    ///   - open: opens the session, on the thread that will use it.
    init(
        label: String,
        pause: @escaping @Sendable () async throws -> Void,
        open: @escaping @Sendable () throws -> any ComparisonSession
    ) async throws {
        worker = SerialWorker(label: label, nil)
        self.pause = pause
        interruption = Mutex(
            try await worker.run { session in
                let opened = try open()
                session = opened
                return opened.interruption
            }
        )
    }

    func compare(_ expected: RecordBatch) async throws -> [RecordDifference] {
        guard expected.count > 0 else { return [] }
        let (unfit, suspects) = try await onSession { session in
            (try session.load(expected), try session.findings(among: nil).map(\.position))
        }
        var found = unfit
        if !suspects.isEmpty {
            try await pause()
            found += try await onSession { try $0.findings(among: suspects) }
                .map { ($0.position, $0.kind(expected.schema)) }
        }
        return found.sorted { $0.position < $1.position }.map { position, kind in
            RecordDifference(
                recordID: expected.key(at: position),
                ordinal: expected.firstOrdinal + Int64(position),
                kind: kind
            )
        }
    }

    func expect(_ records: RecordBatch) async throws {
        guard records.count > 0 else { return }
        try await onSession { session in _ = try session.load(records) }
    }

    func others(limit: Int) async throws -> (count: Int64, keys: [String]) {
        try await onSession { try $0.others(limit: limit) }
    }

    func close() async {
        interruption.withLock { $0 = {} }
        // Nothing in it throws.
        try? await worker.run { $0 = nil }
    }

    private func onSession<Result: Sendable>(_ body: @escaping @Sendable (any ComparisonSession) throws -> Result)
        async throws
        -> Result
    {
        try Task.checkCancellation()
        do {
            return try await withTaskCancellationHandler {
                try await worker.run { session in
                    guard let session else { throw SinkError("The comparison was closed. Begin another.") }
                    return try body(session)
                }
            } onCancel: {
                interruption.withLock { $0 }()
            }
        } catch {
            // What an interrupted database says is no news.
            try Task.checkCancellation()
            throw error
        }
    }
}

/// The usual time between two looks at a record that seems to differ.
let pauseBetweenLooks: @Sendable () async throws -> Void = { try await Task.sleep(for: .milliseconds(100)) }
