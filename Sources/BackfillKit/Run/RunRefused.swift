import Workflows

/// A run cannot be started or carried on as asked. Nothing was changed.
public struct RunRefused: Error, CustomStringConvertible, Sendable {
    /// What stands in the way, and what to type.
    public let description: String

    static func unfinished(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) of this spec is not finished. Carry it on with: backfill resume \(run)
                To begin a second run beside it, say so with --new.
                """
        )
    }

    static func working(run: RunID, by owner: ExecutionOwner) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) is being worked on by \(owner). See how far it is with: backfill stats \(run) --watch
                """
        )
    }

    static let none = RunRefused(
        description: "There are no runs in this state yet. Start one with: backfill run SPEC"
    )

    static func unknown(run: String) -> RunRefused {
        RunRefused(description: "There is no run \(run) in this state. See which there are with: backfill list")
    }

    static let stageNeedsDatabase = RunRefused(
        description: """
            `stage: postgres` keeps results in the database that holds the state, and the state is in a folder. Name a database with \
            --state postgresql://USER@HOST/DATABASE (or BACKFILL_STATE), or take `stage` out.
            """
    )

    static func complete(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) is complete: there is nothing to carry on. See its figures with: backfill stats \(run)
                """
        )
    }

    static func cancelled(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) was cancelled, and its staged results are gone: it cannot be carried on. Begin a new one with: backfill run SPEC
                """
        )
    }

    static func interruptedFirst(run: RunID) -> RunRefused {
        RunRefused(
            description: "Run \(run) was interrupted. Carry it on first with: backfill resume \(run)"
        )
    }

    static func noDeadLetters(run: RunID) -> RunRefused {
        RunRefused(
            description: "Run \(run) has no such dead letters. See those it has with: backfill dead-letters list \(run)"
        )
    }

    static func changed(run: RunID) -> RunRefused {
        RunRefused(
            description:
                "Run \(run) has been carried on by another process meanwhile. See it with: backfill stats \(run)"
        )
    }

    static func underWay(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Those records are being published again already, by an earlier redrive or repair that is not finished. \
                Carry it on with: backfill resume \(run)
                """
        )
    }

    static func otherKey(_ query: String, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                The key of query \(query) is another one than in run \(run), so nothing tells which of its records were published. \
                Keep the key, or begin a new run.
                """
        )
    }

    static func otherSpec(run: RunID, _ own: String) -> RunRefused {
        RunRefused(
            description: """
                The spec is not that of run \(run): \(own). Carry the run on with its own spec, or begin a new one with: backfill run SPEC
                """
        )
    }

    static func notSettled(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                The batches of those dead letters are not settled yet: their records come again by themselves when the run is carried on, \
                with: backfill resume \(run)
                """
        )
    }

    static func noSuchDeadLetter(_ key: DeadLetterKey, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) has no open dead letter of record \(key.ordinal) of query id \(key.query) at \(key.subscription): it has \
                arrived or was discarded, or the line belongs to another run. Nothing was published; take the line out.
                """
        )
    }

    static func noSuchSubscription(_ name: String, known: [String]) -> RunRefused {
        RunRefused(
            description: """
                There is no subscription \(name) here; the spec's sinks are \(known.joined(separator: ", ")). \
                A program's own subscriber is redriven by that program.
                """
        )
    }

    static func over(run: RunID, as state: String) -> RunRefused {
        RunRefused(
            description: "Run \(run) is \(state): there is nothing left to steer. See it with: backfill stats \(run)"
        )
    }

    /// - Parameter advice: how that may have come, and what mends it.
    static func lost(_ count: Int64, of bucket: Int, _ query: String, _ sink: String, _ advice: String) -> RunRefused {
        RunRefused(
            description: """
                The \(sink) has lost \(count) of the records that this run has published to it (query \(query), bucket \(bucket)): \
                \(advice); without it, begin a new run of the spec with --new.
                """
        )
    }

    static func interrupted(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) was interrupted as a whole, so a single bucket cannot be taken from it. \
                Carry all of it on with: backfill resume \(run)
                """
        )
    }

    static func noSuchBucket(_ number: Int, query: String, of run: RunID, count: Int) -> RunRefused {
        RunRefused(
            description: """
                Query \(query) of run \(run) has \(count) buckets; there is no bucket \(number). \
                See them with: backfill stats \(run) --by bucket
                """
        )
    }

    static func bucketNotFailed(_ number: Int, query: String, state: BucketState, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Bucket \(number) of query \(query) is \(state.rawValue), not failed: there is nothing to resume in it. \
                See the buckets with: backfill stats \(run) --by bucket
                """
        )
    }

    static func ambiguousBucket(_ number: Int, queries: [String]) -> RunRefused {
        RunRefused(
            description: """
                The run has several queries (\(queries.joined(separator: ", "))): say whose bucket \(number) with --query NAME.
                """
        )
    }

    static func noSuchQuery(_ name: String, queries: [String]) -> RunRefused {
        RunRefused(description: "The run has no query \(name); its queries are \(queries.joined(separator: ", ")).")
    }
}
