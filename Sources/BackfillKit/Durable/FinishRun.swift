import Logging
public import Workflows

/// The last step of every run: writes down how it ended, and closes what it had open.
public struct FinishRun: Activity {
    let runtime: BackfillRuntime

    /// The run and how it ended.
    public struct Input: Codable, Sendable {
        /// The run.
        public var runID: RunID
        /// The pass that has come to its end; nil in histories from before it was written down.
        public var pass: Int?
        /// How it ended.
        public var outcome: RunOutcome
    }

    /// Safe to repeat, and by a process that was taken for dead: the end of an earlier pass is not a later one's.
    public func run(_ input: Input, in context: ActivityContext) async throws -> RunOutcome {
        let (state, error) = (input.outcome.state, input.outcome.error)
        // Who works alone ends what is open. Its histories may be behind the run store after a power cut, and a pass be open that was over.
        let pass = runtime.fleet == nil ? nil : input.pass
        guard try await runtime.store.finish(input.runID, pass: pass, state: state, error: error) else {
            return input.outcome
        }
        // Not before it is known to be cancelled: a run that is carried on needs what is staged.
        if input.outcome.state == .cancelled { try await runtime.workspace(of: input.runID).discard() }
        await runtime.close(input.runID)
        let logger = runtime.logger(run: input.runID)
        if input.outcome.state == .incomplete {
            logger.warning("incomplete: \(input.outcome.error ?? "")", metadata: LogMetadata.step(context))
        } else {
            logger.info("\(input.outcome.state.rawValue)", metadata: LogMetadata.step(context))
        }
        return input.outcome
    }
}
