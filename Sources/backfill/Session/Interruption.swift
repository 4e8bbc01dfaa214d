import ArgumentParser
import Foundation
import UnixSignals

/// Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one leaves at once (the state is safe either way).
enum Interruption {
    /// Returns true at the first signal, false when the task is cancelled before one comes.
    static func wait() async -> Bool {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals {
            Task {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { exit(ExitStatus.interrupted) }
            }
            return true
        }
        return false
    }

    /// Does something that keeps nothing; a signal cancels it, so that it can clean up, and ends the program.
    static func cancelling<Result: Sendable>(_ work: @Sendable @escaping () async throws -> Result) async throws
        -> Result
    {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                if await wait() { throw ExitCode(ExitStatus.interrupted) }
                return nil
            }
            defer { group.cancelAll() }
            while let next = try await group.next() { if let next { return next } }
            throw CancellationError()
        }
    }
}
