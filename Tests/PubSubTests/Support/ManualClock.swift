import Synchronization

/// A clock that stands still until it is told to move.
final class ManualClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: (until: Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var watchers: [(until: Instant, continuation: CheckedContinuation<Void, Never>)] = []
        var loneWatchers: [CheckedContinuation<Void, Never>] = []
        var lastSleeper = 0

        /// Who waits for the last sleeper to be gone, if it is.
        mutating func takeLoneWatchers() -> [CheckedContinuation<Void, Never>] {
            guard sleepers.isEmpty else { return [] }
            defer { loneWatchers = [] }
            return loneWatchers
        }
    }

    private let state = Mutex(State())

    var now: Instant { state.withLock(\.now) }
    var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves time, which wakes whoever has slept long enough.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            due.keys.forEach { state.sleepers[$0] = nil }
            return due.sorted { $0.value.until < $1.value.until }.map(\.value.continuation)
        }
        due.forEach { $0.resume() }
        state.withLock { $0.takeLoneWatchers() }.forEach { $0.resume() }
    }

    /// Returns once somebody sleeps until exactly this long after the clock's start.
    func sleeper(until offset: Duration) async {
        let until = Instant(offset: offset)
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.values.contains(where: { $0.until == until }) { return true }
                state.watchers.append((until, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Returns once nobody sleeps.
    func noSleepers() async {
        await withCheckedContinuation { continuation in
            let told = state.withLock { state in
                state.loneWatchers.append(continuation)
                return state.takeLoneWatchers()
            }
            told.forEach { $0.resume() }
        }
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let number = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Next { case wake, sleep([CheckedContinuation<Void, Never>]) }
                let next: Next = state.withLock { state in
                    if deadline <= state.now { return .wake }
                    state.sleepers[number] = (deadline, continuation)
                    let told = state.watchers.filter { $0.until == deadline }.map(\.continuation)
                    state.watchers.removeAll { $0.until == deadline }
                    return .sleep(told)
                }
                switch next {
                case .wake: continuation.resume()
                case .sleep(let told): told.forEach { $0.resume() }
                }
                if Task.isCancelled { cancel(number) }
            }
        } onCancel: {
            cancel(number)
        }
    }

    private func cancel(_ number: Int) {
        let (sleeper, told) = state.withLock { ($0.sleepers.removeValue(forKey: number), $0.takeLoneWatchers()) }
        sleeper?.continuation.resume(throwing: CancellationError())
        told.forEach { $0.resume() }
    }
}
