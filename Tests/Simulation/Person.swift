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
    private(set) var deeds: [String] = []

    init(world: World, machine: MachineReference, fate: Fate, isBusy: Bool) {
        (self.world, self.machine, self.fate, self.isBusy) = (world, machine, fate, isBusy)
    }

    private func draw(_ bound: UInt64) -> UInt64 { world.random.next() % bound }

    func meddle(_ backfill: Backfill, _ engine: EmbeddedEngine, _ store: RunStore) async {
        // Whatever an earlier life was paused by is let go on.
        guard (try? await Task.sleep(for: .milliseconds(1 + draw(60)))) != nil else { return }
        guard let run = try? await store.runs().first?.runID else { return }
        if isBusy { await act(backfill, engine, run) }
        while (try? await store.control(of: run).paused) != nil {
            guard (try? await Task.sleep(for: .seconds(1 + draw(5)))) != nil else { return }
            await say(.resume, backfill, run)
        }
    }

    private func act(_ backfill: Backfill, _ engine: EmbeddedEngine, _ run: RunID) async {
        switch draw(12) {
        case 0, 1:
            await say(.pause, backfill, run)
            _ = try? await Task.sleep(for: .seconds(1 + draw(20)))
            if draw(2) == 0 {
                fate.die("at rest")
                return await engine.abandon()
            }
            await say(.resume, backfill, run)
        case 2, 3:
            let throttle = Throttle(
                records: Double(5 + draw(200)),
                concurrency: Int(1 + draw(6)),
                batch: Int(1 + draw(8))
            )
            world.mostRecordsOfBatch = max(world.mostRecordsOfBatch, throttle.batch ?? 0)
            await say(.throttle(throttle), backfill, run)
        case 4:
            guard world.scenario.mending == .none else { return }
            await say(.cancel, backfill, run)
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

    private func jump(by seconds: Int64) {
        deeds.append(seconds > 0 ? "the clock was set forward" : "the clock was set back")
        machine.moveWallClock(by: seconds)
    }

    private func say(_ verb: ControlCommand.Verb, _ backfill: Backfill, _ run: RunID) async {
        let at = Int64(Date().timeIntervalSince1970 * 1000)
        let command = ControlCommand(verb, RunControl.Request(by: "somebody", at: at))
        // Refused when the run is over, or the process is: then it comes to nothing.
        guard (try? await backfill.command(command, to: run)) != nil else { return }
        deeds.append("\(verb)".hasPrefix("throttled") ? "throttled" : "\(verb)")
    }
}
