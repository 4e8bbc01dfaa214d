import Logging
import Synchronization
import Workflows

/// The gate that every batch of a run passes on its way to the topic: lends the flow machine a lock, a clock and those who wait.
final class FlowControl: Sendable {
    /// What passes, or why not.
    enum Answer: Sendable {
        /// Publish so many records, then call ``leave()``.
        case pass(records: Int)
        case turnedAway(TurnedAway)
    }

    fileprivate struct Waiter {
        var continuation: CheckedContinuation<Answer, any Error>
        var since: Duration
        var heartbeat: @Sendable () -> Void
        var lastHeartbeat: Duration
    }

    fileprivate struct State {
        var machine: FlowMachine
        var waiters: [Int: Waiter] = [:]
        var requests = 0
        var alarm: (at: Duration, task: Task<Void, Never>)?
        /// The last time somebody waited for a pace: between two batches nobody may, and it is still the pace that holds.
        var paced: (reason: WaitReason, at: Duration)?
        /// What holds everybody up, by who or what says so.
        var paused: WaitReason?
        var probes: [WaitReason] = []
        /// Until when sinks' servers ask to be left alone; that is waited for inside of the sinks.
        var busy: [String: Duration] = [:]
        var isStopped = false
        var isWindowShut = false
    }

    /// After so long an attempt begins anew, well before its time limit.
    private static let longestWait: Duration = .seconds(12 * 3600)
    /// How often an attempt that waits says that it lives.
    private static let heartbeatInterval: Duration = .seconds(30)
    /// A wait for a pace is news for so long.
    private static let paceIsNews: Duration = .seconds(2)

    private let now: @Sendable () -> Duration
    private let state: Mutex<State>

    init(_ settings: FlowSettings) {
        let clock = ContinuousClock()
        let origin = clock.now
        now = { origin.duration(to: clock.now) }
        state = Mutex(State(machine: FlowMachine(settings: settings, at: .zero)))
    }

    /// The most records that are worth reading for one batch.
    func portion(of records: Int, lane: String?) -> Int {
        state.withLock { $0.machine.portion(of: records, lane: lane) }
    }

    /// Waits until a batch may be published.
    ///
    /// - Parameter heartbeat: called now and then while it waits.
    /// - Throws: `CancellationError`.
    func enter(lane: String?, records: Int, bytes: Int, heartbeat: @escaping @Sendable () -> Void) async throws
        -> Answer
    {
        let id = state.withLock { state in
            state.requests += 1
            return state.requests
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                handle { state, now in
                    // Cancelled before it began to wait: the handler has found nobody.
                    if Task.isCancelled {
                        continuation.resume(throwing: CancellationError())
                        return []
                    }
                    state.waiters[id] = Waiter(
                        continuation: continuation,
                        since: now,
                        heartbeat: heartbeat,
                        lastHeartbeat: now
                    )
                    let request = FlowMachine.Request(id: id, lane: lane, records: records, bytes: bytes)
                    return state.machine.request(request, at: now)
                }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.machine.withdraw(id)
                return state.waiters.removeValue(forKey: id)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// A batch that had passed is settled, or failed.
    func leave() { handle { $0.machine.leave(at: $1) } }

    func change(to settings: FlowSettings) { handle { $0.machine.change(to: settings, at: $1) } }

    func pause(by person: String?) {
        handle { state, now in
            state.paused = person.map(WaitReason.paused)
            return state.machine.hold(state.holds, at: now)
        }
    }

    /// The probes that do not say yes.
    func probes(_ refusing: [WaitReason]) {
        handle { state, now in
            state.probes = refusing
            return state.machine.hold(state.holds, at: now)
        }
    }

    /// A sink waits by itself; here it only becomes the reason.
    func busy(_ sink: String, for wait: Duration) {
        let until = now() + wait
        state.withLock { $0.busy[sink] = until }
    }

    /// Turns everybody away from now on, for good.
    func stop() {
        handle { state, _ in
            state.isStopped = true
            return state.machine.close(.stopped)
        }
    }

    var isStopped: Bool { state.withLock(\.isStopped) }

    func window(isShut: Bool) {
        handle { state, now in
            guard isShut != state.isWindowShut, !state.isStopped else { return [] }
            state.isWindowShut = isShut
            return isShut ? state.machine.close(.window) : state.machine.open(at: now)
        }
    }

    /// Called about once a second: keeps those who wait alive, and tells why they do.
    func tick() -> WaitReason? {
        let now = now()
        let (reason, beats) = state.withLock { state in
            var beats: [@Sendable () -> Void] = []
            for (id, waiter) in state.waiters where now - waiter.lastHeartbeat >= Self.heartbeatInterval {
                state.waiters[id]?.lastHeartbeat = now
                beats.append(waiter.heartbeat)
            }
            return (state.reason(at: now, newsFor: Self.paceIsNews), beats)
        }
        for beat in beats { beat() }
        handle { state, now in
            let old = state.waiters.filter { now - $0.value.since > Self.longestWait }.keys.sorted()
            for id in old { state.machine.withdraw(id) }
            return old.map { .turnAway($0, .later) }
        }
        return reason
    }

    /// Lock, ask the machine, unlock, act.
    private func handle(_ event: (inout State, _ now: Duration) -> [FlowMachine.Decision]) {
        let now = now()
        let resumed: [(Waiter, Answer)] = state.withLock { state in
            let decisions = event(&state, now)
            if let reason = state.machine.reason(at: now), reason.isPace { state.paced = (reason, now) }
            setAlarm(&state, now)
            return decisions.compactMap { decision in
                switch decision {
                case .pass(let id, let records):
                    state.waiters.removeValue(forKey: id).map { ($0, .pass(records: records)) }
                case .turnAway(let id, let why): state.waiters.removeValue(forKey: id).map { ($0, .turnedAway(why)) }
                }
            }
        }
        for (waiter, answer) in resumed { waiter.continuation.resume(returning: answer) }
    }

    /// Under the lock, so that of two threads the later decision stands.
    private func setAlarm(_ state: inout State, _ now: Duration) {
        let opensAt = state.machine.opensAt(after: now)
        guard opensAt != state.alarm?.at else { return }
        state.alarm?.task.cancel()
        state.alarm = opensAt.map { instant in
            let task = Task { [weak self] in
                // Only cancellation ends a sleep early: another alarm has taken over.
                guard (try? await Task.sleep(for: max(.zero, instant - now), tolerance: .zero)) != nil else { return }
                self?.handle { state, now in
                    state.alarm = nil
                    return state.machine.wake(at: now)
                }
            }
            return (instant, task)
        }
    }
}

extension FlowControl.State {
    fileprivate var holds: [WaitReason] { [paused].compactMap { $0 } + probes }

    fileprivate func reason(at now: Duration, newsFor span: Duration) -> WaitReason? {
        if let reason = machine.reason(at: now) { return reason }
        if let sink = busy.filter({ $0.value > now }).keys.min() { return .busy(sink: sink) }
        guard let paced, now - paced.at < span else { return nil }
        return paced.reason
    }
}

extension WaitReason {
    fileprivate var isPace: Bool {
        switch self {
        case .pace, .concurrency: true
        case .paused, .probe, .busy: false
        }
    }
}
