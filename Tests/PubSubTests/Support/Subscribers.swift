import PubSub
import Synchronization

/// Answers as the closure says, and remembers what it was given.
final class ScriptedSubscriber: Subscriber {
    typealias Script = @Sendable (Delivery<Numbers>) async throws -> DeliveryOutcome

    private let script: Script
    private let seen = Mutex<[Delivery<Numbers>]>([])

    init(_ script: @escaping Script = { _ in .acknowledged }) { self.script = script }

    /// What was delivered, in the order of arrival.
    var batches: [Range<Int>] { seen.withLock { $0.map(\.batch.values) } }
    var attempts: [Int] { seen.withLock { $0.map(\.attempt) } }

    func receive(_ delivery: Delivery<Numbers>) async throws -> DeliveryOutcome {
        seen.withLock { $0.append(delivery) }
        return try await script(delivery)
    }
}

/// Keeps dead letters in memory, or throws what it is told to.
final class DeadLetterBox: DeadLetterHandler {
    private let kept = Mutex<[DeadLetter<Numbers>]>([])
    private let refusal: (any Error)?

    init(refusal: (any Error)? = nil) { self.refusal = refusal }

    var letters: [DeadLetter<Numbers>] { kept.withLock { $0 } }
    var numbers: [Int] { letters.map(\.message.values.lowerBound) }

    func handle(_ letter: DeadLetter<Numbers>) async throws {
        if let refusal { throw refusal }
        kept.withLock { $0.append(letter) }
    }
}

/// Closed until it is opened, then open for good. Tells when somebody has come to it.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var inside: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Returns when the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let resumed = state.withLock { state in
                state.arrived += 1
                let told = state.watchers.filter { $0.count <= state.arrived }.map(\.continuation)
                state.watchers.removeAll { $0.count <= state.arrived }
                if state.isOpen { return told + [continuation] }
                state.inside.append(continuation)
                return told
            }
            resumed.forEach { $0.resume() }
        }
    }

    /// Returns when so many have come to the gate.
    func arrivals(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.arrived >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }

    func open() {
        let inside = state.withLock { state in
            state.isOpen = true
            defer { state.inside = [] }
            return state.inside
        }
        inside.forEach { $0.resume() }
    }
}
