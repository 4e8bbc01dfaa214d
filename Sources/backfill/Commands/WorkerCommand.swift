import ArgumentParser
import BackfillKit
import Foundation
import Logging

#if Temporal
import TemporalEngine
#endif

struct WorkerCommand: AsyncParsableCommand, LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Work on the runs of a state that are on a Temporal cluster, beside other workers.",
        discussion: """
            Any number of workers may run, on any machine that reaches the cluster, the state, the sources and the sinks; what one of
            them leaves behind, the others take up. SIGTERM or Ctrl-C: it takes nothing more, settles what is in flight, and leaves.
            """
    )

    @Option(help: ArgumentHelp("Activities at the same time.", valueName: "count"))
    var slots = 64

    @Option(
        name: .customLong("batches-per-activity"),
        help: ArgumentHelp("Batches that one activity publishes, each with its checkpoint.", valueName: "count")
    )
    var batchesPerActivity = 20

    @Option(
        help: ArgumentHelp(
            "How long what is in flight may take when the worker is to leave, in seconds.",
            valueName: "seconds"
        )
    )
    var drain = 10

    @Option(
        name: .customLong("worker-timeout"),
        help: ArgumentHelp(
            "After how many seconds of silence a worker is taken for dead, and what it had begun is given to others. The same for all.",
            valueName: "seconds"
        )
    )
    var workerTimeout = 15

    @OptionGroup var state: StateOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        if !(1...1000).contains(slots) { throw ValidationError("--slots takes a number from 1 to 1000.") }
        if !(1...10_000).contains(batchesPerActivity) {
            throw ValidationError("--batches-per-activity takes a number from 1 to 10000.")
        }
        if !(1...600).contains(workerTimeout) {
            throw ValidationError("--worker-timeout takes a number of seconds, from 1 to 600.")
        }
        if drain < 0 { throw ValidationError("--drain takes a number of seconds, from 0.") }
    }

    func run() async throws {
        let choice = try await EngineChoice.of(state.place(), given: state.engine, binding: true)
        guard case .temporal(let address, let taskQueue) = choice else {
            throw EngineRefused(
                "Workers are for runs on a cluster. Name it: backfill worker --engine temporal://HOST:7233/NAMESPACE\(state.argument)"
            )
        }
        #if Temporal
        // From now on: a worker may be told to leave before it has taken anything.
        let interruption = Task { await Interruption.wait() }
        let logger = logging.logger
        let options = try TemporalOptions.fromEnvironment(taskQueue: taskQueue)
        let opened = try await OpenState.forWork(state)
        let runtime = BackfillRuntime(
            state: opened.folder,
            store: opened.store,
            environment: ProcessInfo.processInfo.environment,
            fleet: Fleet(workerID: options.identity, batchesPerActivity: batchesPerActivity),
            logger: logger
        )
        let client = try await TemporalClient.connect(
            to: try TemporalAddress(address),
            options: options,
            logger: logger
        )
        let worker = TemporalWorker(
            client,
            workflows: BackfillRuntime.workflows,
            activities: runtime.activities,
            options: WorkerOptions(
                activitySlots: slots,
                workerTimeout: .seconds(workerTimeout),
                logMetadata: { runtime.logMetadata(ofWorkflow: $0) }
            ),
            logger: logger
        )
        worker.start()
        Output.note("worker \(options.identity) on \(address), task queue \(taskQueue)")
        if await interruption.value {
            Output.note("\nleaving: settling what is in flight (Ctrl-C again leaves at once)")
        }
        await worker.shutdown(drain: .seconds(drain))
        await client.close()
        await runtime.close()
        #endif
    }
}
