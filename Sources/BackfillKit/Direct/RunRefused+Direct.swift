extension RunRefused {
    /// A part of the records needs them staged.
    static let directCanary = RunRefused(
        description: """
            A canary (--limit, --only-keys) needs its records staged, and the spec says `stage: direct`. Take `stage: direct` out of a copy of \
            the spec for the canary, or write the condition into the SQL.
            """
    )

    static func directAfterCanary(_ query: String) -> RunRefused {
        RunRefused(
            description: """
                A canary of this spec has appended records of query \(query), and with `stage: direct` they cannot be left out. Leave them \
                out in the SQL or remove them from the table, and say --repeat-canaries; or take `stage: direct` out.
                """
        )
    }

    static let directForecast = RunRefused(
        description: """
            How long a run takes (--time, --max-duration) is foretold from staged samples, and the spec says `stage: direct`. Ask it of a \
            copy of the spec without `stage: direct`, or run without a limit.
            """
    )

    static func directMended(_ query: String, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Query \(query) of run \(run) is read directly from the source, so nothing tells which records a mended SQL, key or \
                parameter would still have to bring. Give them back what they were (limits, retries and hooks may change), or begin a new \
                run with --new.
                """
        )
    }

    static func otherStage(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Run \(run) has begun with another `stage`, which stays for its queries. Give the spec the one it had, or begin a new run \
                with --new.
                """
        )
    }

    static func directVerify(_ query: String, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Query \(query) of run \(run) was read directly from the source (`stage: direct`), and nothing is kept of its records to \
                compare the tables with. Compare source and target by SQL.
                """
        )
    }

    static func gone(_ record: String, _ query: String, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Record \(record) of query \(query) is no longer at the source, which is read directly. Say that it need not arrive with: \
                backfill dead-letters discard \(run) --record \(record)
                """
        )
    }

    static func otherColumns(_ query: String, run: RunID) -> RunRefused {
        RunRefused(
            description: """
                Query \(query) of run \(run) gives other columns at the source than when the run began. Give it back those that it had.
                """
        )
    }

    static func nothingChanged(run: RunID) -> RunRefused {
        RunRefused(
            description: """
                No bucket of run \(run) that failed waits for --repeat-changed. See the buckets with: backfill stats \(run) --by bucket
                """
        )
    }
}
