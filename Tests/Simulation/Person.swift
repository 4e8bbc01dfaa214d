import Foundation
import TestSupport
import WorkflowEngine
import Workflows

import BackfillKit

/// People and machines around a run while it is at work: they pause it, throttle it, cancel it, press Ctrl-C, set the clock, fill the disk.
///
/// Sendable though the compiler cannot see it: a scenario is simulated on one thread.
final class Person: @unchecked Sendable {
    private let world: World
    private let machine: MachineReference
    private let fate: Fate
    private let isBusy: Bool
    private let isSlow: Bool
    private(set) var deeds: [String] = []
    private(set) var violations: [String] = []

    init(world: World, machine: MachineReference, fate: Fate, isBusy: Bool, isSlow: Bool) {
        (self.world, self.machine, self.fate, self.isBusy, self.isSlow) = (world, machine, fate, isBusy, isSlow)
    }

    private func draw(_ bound: UInt64) -> UInt64 { world.random.next() % bound }

    func meddle(_ backfill: Backfill, _ engine: EmbeddedEngine, _ store: RunStore) async {
        // Whatever an earlier life was paused by is let go on.
        guard (try? await Task.sleep(for: .milliseconds(1 + draw(60)))) != nil else { return }
        guard let run = try? await store.runs().first?.runID else { return }
        if isBusy { await act(backfill, engine, store, run) }
        while (try? await store.control(of: run).paused) != nil {
            guard (try? await Task.sleep(for: .seconds(1 + draw(5)))) != nil else { return }
            await say(.resume, backfill, run)
        }
    }

    private func act(_ backfill: Backfill, _ engine: EmbeddedEngine, _ store: RunStore, _ run: RunID) async {
        switch draw(12) {
        case 0, 1:
            if await say(.pause, backfill, run) { await expectHeard(.pause, backfill, store, run) }
            _ = try? await Task.sleep(for: .seconds(1 + draw(20)))
            if draw(2) == 0 {
                fate.die("at rest")
                return await engine.abandon()
            }
            await say(.resume, backfill, run)
        case 2, 3:
            let throttle = Throttle(
                records: Double(5 + draw(200)),
                concurrency: Int(3 + draw(4)),
                batch: Int(1 + draw(8))
            )
            world.mostRecordsOfBatch = max(world.mostRecordsOfBatch, throttle.batch ?? 0)
            await say(.throttle(throttle), backfill, run)
        case 4:
            guard world.scenario.mending == .none else { return }
            // So slow that it cannot be through before it has heard.
            await say(.throttle(Throttle(records: 0.2)), backfill, run)
            _ = try? await Task.sleep(for: .seconds(1))
            if await say(.cancel, backfill, run) { await expectHeard(.cancel, backfill, store, run) }
        case 5:
            deeds.append("interrupted")
            await engine.shutdown(drain: .milliseconds(Int64(draw(2000))))
        case 6: jump(by: Int64(1 + draw(100_000)))
        case 7, 8: jump(by: -Int64(1 + draw(60)))
        default:
            deeds.append("no room for a while")
            machine.disk.isFull = true
            _ = try? await Task.sleep(for: .seconds(1 + draw(6)))
            machine.disk.isFull = false
        }
    }

    /// A process whose writes neither fail nor take their time has taken a command to heart after seconds.
    private func expectHeard(
        _ verb: ControlCommand.Verb,
        _ backfill: Backfill,
        _ store: RunStore,
        _ run: RunID
    ) async {
        guard fate.failing == 0, !isSlow, (try? await Task.sleep(for: .seconds(5))) != nil else { return }
        guard let state = try? await store.run(run)?.state, state == .running,
            let control = try? await store.control(of: run),
            fate.diedAt == nil
        else { return }
        let isHeard = verb == .cancel ? control.cancelled != nil : control.paused != nil
        if !isHeard { violations.append("at work: five seconds later it has not heard that it is \(verb)") }
    }

    private func jump(by seconds: Int64) {
        deeds.append(seconds > 0 ? "the clock was set forward" : "the clock was set back")
        machine.moveWallClock(by: seconds)
    }

    /// Somebody asks for something, and now.
    static var request: RunControl.Request {
        RunControl.Request(by: "somebody", at: Int64(Date().timeIntervalSince1970 * 1000))
    }

    @discardableResult
    private func say(_ verb: ControlCommand.Verb, _ backfill: Backfill, _ run: RunID) async -> Bool {
        let command = ControlCommand(verb, Self.request)
        // Refused when the run is over, or the process is: then it comes to nothing.
        guard (try? await backfill.command(command, to: run)) != nil else { return false }
        deeds.append("\(verb)".hasPrefix("throttled") ? "throttled" : "\(verb)")
        return true
    }
}
