import Foundation
import Synchronization
import Testing

/// Worker processes for the runs of one folder.
final class Workers: Sendable {
    private struct State {
        var running: [RunningProgram] = []
        /// Commands that watch what the workers do, and do not end with them.
        var watching: [RunningProgram] = []
        var environment: [String: String] = [:]
    }

    let folder: URL
    private let options: [String]
    private let state = Mutex(State())

    /// - Parameter options: of each `backfill worker`.
    init(in folder: URL, options: [String]) {
        self.folder = folder
        self.options = options
    }

    /// Those that nobody has ended.
    var running: [RunningProgram] { state.withLock { $0.running } }

    /// Starts a worker.
    func start(engine: String) throws {
        let environment = state.withLock { $0.environment }
        let worker = try BuiltProgram.start(
            ["worker", "--engine", engine] + options,
            in: folder,
            environment: environment
        )
        state.withLock { $0.running.append(worker) }
    }

    /// Ends a command with the workers, should it be there still.
    func keep(_ command: RunningProgram) {
        state.withLock { state in
            state.watching.removeAll(where: \.hasEnded)
            state.watching.append(command)
        }
    }

    /// Puts workers with these variables in the place of those that lack them.
    func have(_ environment: [String: String], engine: String) async throws {
        let isSo = state.withLock { state in
            environment.allSatisfy { state.environment[$0.key] == $0.value }
        }
        if isSo { return }
        state.withLock { $0.environment.merge(environment) { $1 } }
        let count = running.count
        _ = try await stop()
        for _ in 0..<count { try start(engine: engine) }
    }

    /// Kills the worker at that place; nobody is told.
    func kill(_ index: Int) async throws {
        let worker = state.withLock { $0.running.remove(at: index) }
        worker.send(SIGKILL)
        _ = try await worker.wait()
    }

    /// Ends all in order.
    ///
    /// - Returns: how they ended.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) async throws -> [ProgramEnd] {
        let workers = state.withLock { state in
            defer { state.running = [] }
            return state.running
        }
        for worker in workers { worker.send(signal) }
        var ends: [ProgramEnd] = []
        for worker in workers { ends.append(try await worker.wait()) }
        return ends
    }

    /// Kills what is left when a test is through; a worker that is gone by itself is a failure.
    func end() async throws {
        let watching = state.withLock(\.watching)
        for command in watching { command.send(SIGKILL) }
        for command in watching { _ = try await command.wait() }
        for end in try await stop(SIGKILL) {
            #expect(end.status == .signal(SIGKILL), "a worker ended by itself: \(end.all)")
        }
    }
}
