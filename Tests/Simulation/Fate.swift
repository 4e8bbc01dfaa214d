import GRDB
import PubSub
import SQLConnectors
import Synchronization
import TestSupport
import WorkflowEngine

/// What becomes of one simulated process: counts the moments around its writes, lets some of them fail, and ends its life at one. From then on
/// every write fails and the disk stands still, so nothing that is still under way leaves a trace.
final class Fate: Sendable {
    /// The process is dead; the error only carries the news out of whatever was under way.
    struct Death: SubscriptionUnavailable, CustomStringConvertible {
        var moment: String
        var description: String { "the process died \(moment)" }
    }

    private struct State {
        var dice: SplitMix64
        var momentsLeft: Int?
        var diedAt: String?
        var failures: [String: Int] = [:]
    }

    /// One in so many writes fails; 0 lets none.
    let failing: UInt64
    private let disk: SimulatedDiskReference?
    private let state: Mutex<State>
    /// Looks at each moment that passes.
    let look: @Sendable (_ moment: String) -> Void

    /// - Parameter moments: how many moments it lasts; nil for ever.
    init(
        moments: Int?,
        failing: UInt64 = 0,
        seed: UInt64 = 0,
        disk: SimulatedDisk? = nil,
        look: @escaping @Sendable (_ moment: String) -> Void = { _ in }
    ) {
        self.failing = failing
        self.disk = disk.map(SimulatedDiskReference.init)
        self.look = look
        state = Mutex(State(dice: SplitMix64(seed: seed), momentsLeft: moments))
    }

    /// Where it ended; nil while it lasts.
    var diedAt: String? { state.withLock(\.diedAt) }
    /// How many writes failed, by the moment.
    var failures: [String: Int] { state.withLock(\.failures) }

    /// Passes a moment of a write to a store, or dies there.
    ///
    /// - Throws: ``Death``, or what such a store says when a write fails: before it was made, or though it was.
    func pass(_ moment: String) throws {
        let (diedAt, fails) = state.withLock { state in
            if state.diedAt == nil, let left = state.momentsLeft {
                state.momentsLeft = left - 1
                if left <= 1 { state.diedAt = moment }
            }
            let fails = state.diedAt == nil && failing > 0 && state.dice.next() % failing == 0
            if fails { state.failures[moment, default: 0] += 1 }
            return (state.diedAt, fails)
        }
        if let diedAt {
            disk?.disk.isGone = true
            throw Death(moment: diedAt)
        }
        look(moment)
        if fails { throw Self.failure(moment) }
    }

    /// The process dies now, whatever it is doing.
    func die(_ moment: String) {
        state.withLock { $0.diedAt = $0.diedAt ?? moment }
        disk?.disk.isGone = true
    }

    /// The process is over: nothing of it that is still under way writes any more.
    func end() {
        state.withLock { state in
            if state.diedAt == nil { state.diedAt = Self.over }
        }
    }

    private static let over = "after its end"

    private static func failure(_ moment: String) -> any Error {
        if moment.contains("histories") || moment.contains("owner") {
            return EngineFailure("The disk failed \(moment).")
        }
        if moment.contains("run store") {
            return DatabaseError(resultCode: .SQLITE_IOERR, message: "the disk failed \(moment)")
        }
        return TargetUnavailable("The target is unavailable \(moment).")
    }
}

/// Sendable though the compiler cannot see it: a machine's disk is used on the machine's thread only.
private struct SimulatedDiskReference: @unchecked Sendable {
    let disk: SimulatedDisk
}
