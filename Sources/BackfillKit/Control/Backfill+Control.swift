public import Workflows

/// What became of a command.
public enum CommandEffect: Sendable, Equatable {
    /// Who works on the run has been told, and acts within a second or so.
    case sent(to: ExecutionOwner)
    /// Nobody is at work on the run: it holds when it is resumed.
    case kept
}

extension Backfill {
    /// Hands a command to a run: as a signal to its workflow while one is open, and to the run's own record otherwise.
    ///
    /// - Throws: ``RunRefused`` when the run is through or unknown.
    public func command(_ command: ControlCommand, to runID: RunID) async throws -> CommandEffect {
        let run = try await known(runID)
        switch run.state {
        case .complete: throw RunRefused.over(run: runID, as: "complete")
        case .cancelled: throw RunRefused.over(run: runID, as: "cancelled")
        case .running, .incomplete: break
        }
        let description = try await client.describe(runID.rawValue)
        let isOpen = description?.status == .running
        if isOpen { try await client.signal(runID.rawValue, ControlCommand.signal, command) }
        if isOpen, let owner = description?.owner, owner.isAlive { return .sent(to: owner) }
        // Before anything of a resumed run moves, not only when its workflow has come to the signal.
        try await store.apply(command, to: runID)
        return .kept
    }

    /// Brings a run that was cancelled while nobody worked on it to its end. What is staged is not looked at: it is removed.
    public func end(_ runID: RunID) async throws {
        let isOpen = try await client.describe(runID.rawValue)?.status == .running
        try await resume(runID, isOpen ? .takeOver : .restart(only: nil))
    }

    /// Whether a run holds what a command asks for.
    public func holds(_ command: ControlCommand, _ runID: RunID) async throws -> Bool {
        var control = try await store.control(of: runID)
        let before = control
        control.apply(command)
        return control == before
    }
}
