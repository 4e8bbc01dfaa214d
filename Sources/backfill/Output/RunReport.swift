import ArgumentParser
import BackfillKit
import Foundation

/// The end of `run` and `resume`: the report, the command to type next, and the exit status.
enum RunReport {
    /// Prints the report and leaves with the status that fits; returns only when the run is complete.
    static func finish(
        _ runID: RunID,
        _ end: Session.End,
        session: Session,
        state: StateOptions,
        json: Bool
    ) async throws {
        let stats = try await RunStats.read(runID, store: session.store, client: session.engine.client)
        let stateArgument = state.argument
        switch end {
        case .interrupted:
            if session.engine.isCluster, case .working = stats.standing {
                Output.note(
                    "left at \(figures(stats.run)); the workers go on. See: backfill stats \(runID)\(stateArgument) (or pause, or cancel)"
                )
            } else {
                Output.note(
                    "interrupted at \(figures(stats.run)); the state is safe. Carry on with: backfill resume \(runID)\(stateArgument)"
                )
            }
            throw ExitCode(ExitStatus.interrupted)
        case .reported(let outcome):
            try print(stats, json: json)
            if stats.run.canary?.keyCount != nil, stats.run.records == 0 {
                Output.note("none of the record ids is in the results, or an earlier canary has published them all")
            }
            if outcome.state == .complete { return }
            if outcome.state == .cancelled {
                // Not what was asked of this command, though of another one.
                Output.note(outcome.error ?? "cancelled")
                throw ExitCode(ExitStatus.failed)
            }
            Output.note("incomplete: \(outcome.error ?? "see backfill stats \(runID)")")
            Output.note("next: \((stats.nextStep ?? "backfill stats \(runID)") + stateArgument)")
            throw ExitCode(ExitStatus.failed)
        }
    }

    /// The report alone.
    static func print(_ stats: RunStats, json: Bool) throws {
        if json { try Output.json(stats) } else { Output.result(summary(stats)) }
    }

    private static func summary(_ stats: RunStats) -> String {
        let run = stats.run
        let executions = stats.executors.count
        let remarks = [ForecastReport.comparison(run), ForecastReport.bucketSpread(run), changed(run)].compactMap { $0 }
        let figures = """
            run \(run.runID) is \(run.state.rawValue): \(Self.figures(run))
            \(Figures.duration(seconds: run.secondsWorked)), \(Figures.rate(run.rateMean)) on average · \
            \(run.buckets) buckets, \(executions) executions · \(run.retries) retries, \(run.redeliveries) redeliveries
            """
        return remarks.isEmpty ? figures : figures + "\n" + remarks.joined(separator: " · ")
    }

    /// How many records there were to be, when there were others.
    static func changed(_ run: RunProgress) -> String? {
        guard let planned = run.planned, let records = run.records, planned != records, run.state == .complete else {
            return nil
        }
        return "planned \(Figures.count(planned)) records; the source changed while it was read"
    }

    private static func figures(_ run: RunProgress) -> String {
        guard let records = run.records else { return "\(Figures.count(run.extracted)) records read" }
        var text = "\(Figures.count(run.published)) of \(Figures.count(records)) records published"
        if run.deadLettered > 0 { text += ", \(Figures.count(run.deadLettered)) dead letters" }
        return text
    }
}
