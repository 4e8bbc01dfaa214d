import Foundation
import SimulatedSystem
import TestSupport

/// A simulated machine with one processor: all that runs on it takes its turns one by one, in an order that a seed draws, on a clock that
/// skips to the next instant at which something is due, with dice and a disk of its own.
///
/// What the seed decides: which of the jobs that are ready comes next (jobs of tasks, actors and dispatch queues; blocks of one serial queue
/// stay in order), what every clock shows, how long each step takes, which piece of a queue's work is slow, every random number that Swift's
/// generator gives, and what the faults drawn from the same seed do. So a seed that fails fails again, alone, in the same way; a test runs
/// seeds twice and compares. What it does not decide: what happens between two suspensions, since one step is never interrupted; races
/// between real threads are for `--sanitize=thread`. The order of Swift's dictionaries differs from process to process; nothing that is
/// simulated depends on it, which the same test shows as far as it goes.
final class Machine {
    private enum Step {
        case job(UnsafeMutableRawPointer?, @convention(c) (UnsafeMutableRawPointer?) -> Void)
        case work(UnsafeMutableRawPointer)
    }

    private struct Timer {
        var at: Int64
        var number: Int
        var step: Step
    }

    /// How a simulation ended: the body came to its end and nothing is left; nothing is left though it did not; it went on and on.
    enum End { case done, stuck, endless }

    let disk = SimulatedDisk()
    /// The difference of the wall clock to the one that only ever goes forward.
    var wallOffset: Int64 = 0
    /// A hundredth of the pieces of a queue's work times this is put off.
    var slowness: UInt64 = 0
    /// Sums up all decisions: two simulations with the same trace went the same way.
    private(set) var trace: UInt64 = 0
    private(set) var steps = 0

    private var ready: [Step] = []
    private var timers: [Timer] = []
    private var nextTimer = Int64.max
    private var blocks: [UnsafeMutableRawPointer: [UnsafeMutableRawPointer]] = [:]
    private var nanoseconds: Int64 = 1_700_000_000_000_000_000
    private var order: SplitMix64
    private var dice: SplitMix64

    private init(seed: UInt64) {
        order = SplitMix64(seed: seed)
        dice = SplitMix64(seed: seed ^ 0x5eed)
    }

    /// Runs a body, and all that it sets going, on the calling thread until nothing of it is left.
    ///
    /// - Parameters:
    ///   - mostSteps: after which it is given up as endless.
    ///   - crashNote: what is said on stderr when the process crashes at a step.
    static func run(
        seed: UInt64,
        mostSteps: Int = 2_000_000,
        crashNote: String = "",
        _ body: @escaping @Sendable (MachineReference) async -> Void
    ) -> (machine: Machine, end: End) {
        let machine = Machine(seed: seed)
        var system = machine.system
        let end = crashNote.withCString { note in
            if !crashNote.isEmpty { system.crash_note = note }
            return withUnsafePointer(to: &system) { system in
                simulated_system_enter(system)
                defer { simulated_system_enter(nil) }
                let reference = MachineReference(machine)
                Task { await body(reference) }
                return machine.work(mostSteps)
            }
        }
        return (machine, end)
    }

    /// Said by the body when it has come to its end.
    fileprivate(set) var isDone = false

    private func work(_ mostSteps: Int) -> End {
        while steps < mostSteps {
            if nextTimer <= nanoseconds || ready.isEmpty { wakeDue() }
            guard !ready.isEmpty else { return isDone ? .done : .stuck }
            let drawn = order.next()
            let place = Int(drawn % UInt64(ready.count))
            let step = ready[place]
            // The order of those that are left does not matter: the next one is drawn too.
            ready.swapAt(place, ready.count - 1)
            ready.removeLast()
            trace = (trace &* 0x100_0000_01b3) ^ UInt64(place) ^ UInt64(ready.count) << 32
            steps += 1
            nanoseconds += Int64(drawn >> 32 & 0xffff)
            switch step {
            case .job(let argument, let function): function(argument)
            case .work(let queue): runBlock(of: queue)
            }
        }
        return .endless
    }

    private func runBlock(of queue: UnsafeMutableRawPointer) {
        guard var waiting = blocks[queue] else { return }
        let block = waiting.removeFirst()
        blocks[queue] = waiting
        simulated_work_run(queue, block)
        if blocks[queue]?.isEmpty == true { blocks[queue] = nil } else { makeReady(.work(queue)) }
    }

    private func makeReady(_ step: Step) {
        if case .work = step, slowness > 0, order.next() % 100 < slowness {
            add(step, at: nanoseconds + Int64(order.next() % 20_000_000_000))
        } else {
            ready.append(step)
        }
    }

    private func add(_ step: Step, at date: Int64) {
        steps += 1
        nextTimer = min(nextTimer, date)
        timers.append(Timer(at: date, number: steps, step: step))
    }

    /// Makes ready what is due; when nothing else is ready, the clock moves to what is due next.
    private func wakeDue() {
        guard !timers.isEmpty else { return }
        if ready.isEmpty { nanoseconds = max(nanoseconds, nextTimer) }
        var (due, later): ([Timer], [Timer]) = ([], [])
        nextTimer = .max
        for timer in timers {
            if timer.at <= nanoseconds {
                due.append(timer)
            } else {
                later.append(timer)
                nextTimer = min(nextTimer, timer.at)
            }
        }
        timers = later
        due.sort { ($0.at, $0.number) < ($1.at, $1.number) }
        for timer in due { ready.append(timer.step) }
    }

    private var system: simulated_system {
        simulated_system(
            context: Unmanaged.passUnretained(self).toOpaque(),
            enqueue: { context, argument, function in
                guard let function else { return }
                Machine.from(context).ready.append(.job(argument, function))
            },
            enqueue_at: { context, nanoseconds, argument, function in
                guard let function else { return }
                Machine.from(context).add(.job(argument, function), at: nanoseconds)
            },
            enqueue_work: { context, queue, block in
                guard let queue, let block else { return }
                let machine = Machine.from(context)
                let isIdle = machine.blocks[queue] == nil
                machine.blocks[queue, default: []].append(block)
                if isIdle { machine.makeReady(.work(queue)) }
            },
            nanoseconds: { context, isWallClock in
                let machine = Machine.from(context)
                return machine.nanoseconds + (isWallClock != 0 ? machine.wallOffset : 0)
            },
            random: { Machine.from($0).dice.next() },
            disk_fault: { Machine.from($0).disk.fault(isGrowth: $1 != 0) },
            synced: { Machine.from($0).disk.noteSync($1) },
            renamed: { context, from, to in
                guard let from, let to else { return }
                Machine.from(context).disk.noteRename(String(cString: from), String(cString: to))
            },
            crash_note: nil
        )
    }

    /// The system's functions have no other way to the machine; it outlives the thread's stay in it.
    private static func from(_ context: UnsafeMutableRawPointer?) -> Machine {
        guard let context else { preconditionFailure("The simulated system has no machine.") }
        return Unmanaged<Machine>.fromOpaque(context).takeUnretainedValue()
    }
}

/// A machine as what runs on it sees it.
///
/// Sendable though the compiler cannot see it: whatever runs on a machine runs on one thread.
struct MachineReference: @unchecked Sendable {
    private let machine: Machine

    fileprivate init(_ machine: Machine) { self.machine = machine }

    var disk: SimulatedDisk { machine.disk }

    /// The body has come to its end; what is left unwinds.
    func finish() { machine.isDone = true }

    /// Sets the wall clock forward or back.
    func moveWallClock(by seconds: Int64) { machine.wallOffset += seconds * 1_000_000_000 }

    /// How many in a hundred pieces of a queue's work are put off for up to twenty seconds.
    func slow(_ slowness: UInt64) { machine.slowness = slowness }
}
