public import Foundation
import Synchronization
public import WorkflowEngine

/// A clock that stands still until it is moved.
public final class ManualClock: EngineClock {
    private struct State {
        var now: Date
        var lastID = 0
        var sleepers: [(id: Int, date: Date, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    private let state: Mutex<State>

    /// - Parameter start: what the clock shows at first.
    public init(start: Date = Date(timeIntervalSince1970: 1_700_000_000)) { state = Mutex(State(now: start)) }

    /// What the clock shows.
    public var now: Date { state.withLock { $0.now } }

    /// Returns when the clock was moved to the date or past it.
    public func sleep(until date: Date) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if date <= state.now { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.sleepers.append((id, date, continuation))
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves the clock and wakes those whose date has come, earliest first.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        move(to: now.addingTimeInterval(Double(seconds) + Double(attoseconds) / 1e18))
    }

    /// Moves the clock to a date, never back, and wakes those whose date has come, earliest first.
    public func move(to date: Date) {
        let due = state.withLock { state in
            state.now = max(state.now, date)
            let due = state.sleepers.filter { $0.date <= state.now }.sorted { ($0.date, $0.id) < ($1.date, $1.id) }
            state.sleepers.removeAll { $0.date <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}
