import Foundation
import Logging
import Synchronization

/// Keeps a run's gate informed while it is at work: asks the probes, looks at the clock for time windows, and tells the store why the
/// run waits.
final class FlowKeeper: Sendable {
    private let run: RunID
    private let spec: BackfillSpec
    private let store: RunStore
    private let flow: FlowControl
    private let logger: Logger
    private let tasks = Mutex<[Task<Void, Never>]?>(nil)
    private let probes: Mutex<[ProbeMachine]>

    init(run: RunID, spec: BackfillSpec, store: RunStore, flow: FlowControl, logger: Logger) {
        self.run = run
        self.spec = spec
        self.store = store
        self.flow = flow
        self.logger = logger
        probes = Mutex(spec.probes.map { ProbeMachine(every: $0.every) })
    }

    /// Begins, with the first batch; later calls do nothing.
    ///
    /// - Parameter lookingAround: called with each tick, where other processes share the run.
    func start(lookingAround: (@Sendable () async throws -> Void)? = nil) throws {
        try tasks.withLock { tasks in
            guard tasks == nil else { return }
            let askings = try spec.probes.map { try ProbeAsking($0, session: "backfill \(run)") }
            if !askings.isEmpty { flow.probes(refusing(probes.withLock { $0 })) }
            tasks =
                [Task { await self.tick(lookingAround) }]
                + askings.indices.map { index in Task { await self.ask(askings[index], index) } }
        }
    }

    func stop() {
        for task in tasks.withLock({ $0 }) ?? [] { task.cancel() }
    }

    /// Once a second.
    private func tick(_ lookAround: (@Sendable () async throws -> Void)?) async {
        // Whatever an earlier process said is over.
        var told: String?? = .none
        while !Task.isCancelled {
            // What could not be looked up is looked up with the next tick.
            try? await lookAround?()
            if !spec.windows.isEmpty {
                if case .closed = TimeWindow.standing(of: spec.windows, at: store.now()) {
                    flow.window(isShut: true)
                } else {
                    flow.window(isShut: false)
                }
            }
            let reason = flow.tick()?.description
            if told != .some(reason) {
                // A reason that could not be written down is written with the next tick.
                if (try? await store.noteWaiting(reason, on: run)) != nil { told = .some(reason) }
                logger.info("\(reason.map { "waiting: \($0)" } ?? "going on")")
            }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
        }
    }

    private func ask(_ asking: ProbeAsking, _ index: Int) async {
        while !Task.isCancelled {
            let answer = await asking.ask()
            if Task.isCancelled { return }
            let (isNews, next, all) = probes.withLock { probes in
                let isNews = probes[index].answered(answer)
                return (isNews, probes[index].nextAfter, probes)
            }
            flow.probes(refusing(all))
            if isNews {
                let text =
                    switch answer {
                    case .yes: "probe \(asking.probe.name) says yes"
                    case .no(let reason): "probe \(asking.probe.name) says no: \(reason)"
                    }
                logger.notice("\(text)")
                // News, not a result: the next one makes up for one that is lost.
                try? await store.note("probe", text, on: run)
            }
            guard (try? await Task.sleep(for: next)) != nil else { return }
        }
    }

    private func refusing(_ machines: [ProbeMachine]) -> [WaitReason] {
        zip(spec.probes, machines).compactMap { probe, machine in
            switch machine.answer {
            case .yes: nil
            case .no(let reason): .probe(name: probe.name, answer: reason)
            case nil: .probe(name: probe.name, answer: "not answered yet")
            }
        }
    }
}
