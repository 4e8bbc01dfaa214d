import ArgumentParser
import BackfillKit
import Foundation

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Publish nothing more until `backfill resume RUN`; batches in flight are settled.",
        discussion: "The run stays paused when its process ends and another one carries it on."
    )

    @OptionGroup var target: ControlTarget

    func run() async throws { try await target.send(.pause) }
}

struct ThrottleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throttle",
        abstract: "Slow a run down or speed it up while it goes.",
        discussion: """
            What is given holds from the next batch on, instead of what the spec says, also after a restart; --reset goes back to the spec.
            Lanes keep their own paces.
            """
    )

    @Option(help: ArgumentHelp("Records in a time, such as 500/s, or none.", valueName: "rate"))
    var rate: String?

    @Option(help: ArgumentHelp("Bytes in a time, such as 10MiB/s, or none.", valueName: "rate"))
    var bytes: String?

    @Option(help: ArgumentHelp("Batches that may be published at once, 1 to 500.", valueName: "count"))
    var concurrency: Int?

    @Option(help: ArgumentHelp("Records of a batch, 1 to 1,000,000.", valueName: "count"))
    var batch: Int?

    @Flag(help: "Go back to the limits of the spec.")
    var reset = false

    @OptionGroup var target: ControlTarget

    func validate() throws {
        if rate == nil, bytes == nil, concurrency == nil, batch == nil, !reset {
            throw ValidationError("Say what to change: --rate, --bytes, --concurrency, --batch or --reset.")
        }
        if let concurrency, !(1...500).contains(concurrency) {
            throw ValidationError(
                "--concurrency takes a number from 1 to 500; to stop publishing use `backfill pause`."
            )
        }
        if let batch, !(1...1_000_000).contains(batch) {
            throw ValidationError("--batch takes a number from 1 to 1000000.")
        }
        _ = try throttle()
    }

    func run() async throws { try await target.send(.throttle(try throttle())) }

    private func throttle() throws -> Throttle {
        Throttle(
            isReset: reset,
            records: try limit(rate, "--rate", Pace.recordRate),
            bytes: try limit(bytes, "--bytes", Pace.byteRate),
            concurrency: concurrency,
            batch: batch
        )
    }

    private func limit(_ text: String?, _ option: String, _ parse: (String) throws -> Double) throws -> Double? {
        guard let text else { return nil }
        if text.lowercased() == "none" { return 0 }
        do { return try parse(text) } catch { throw ValidationError("\(option): \(error)") }
    }
}

struct CancelCommand: AsyncParsableCommand, LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End a run for good: settle what is in flight, run the hooks of its end, remove what was staged.",
        discussion: """
            What is published stays published; unfinished files are removed. A cancelled run cannot be resumed: to stop for a while use
            `backfill pause`, or Ctrl-C and `backfill resume`.
            """
    )

    @Flag(name: .shortAndLong, help: "No progress, only the report.")
    var quiet = false

    @OptionGroup var target: ControlTarget
    @OptionGroup var logging: LogOptions

    func run() async throws {
        guard let (runID, effect) = try await target.deliver(.cancel) else { return }
        let state = target.state
        if case .sent = effect, let stats = try await target.waitForEnd(of: runID) {
            try RunReport.print(stats, json: target.output.isJSON)
            return
        }
        // Nobody is at work on it, so this process brings it to its end.
        let session = try await Session.open(state, logger: logging.logger)
        let end = try await session.carry(runID, display: LiveProgress(isQuiet: quiet)) {
            try await session.backfill.end(runID)
        }
        if case .reported(let outcome) = end, outcome.state == .cancelled {
            let stats = try await RunStats.read(runID, store: session.store, client: session.engine.client)
            try RunReport.print(stats, json: target.output.isJSON)
            return
        }
        try await RunReport.finish(runID, end, session: session, state: state, json: target.output.isJSON)
    }
}
