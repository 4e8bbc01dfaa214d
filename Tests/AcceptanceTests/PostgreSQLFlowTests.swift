import Foundation
import TestSupport
import Testing

@Suite(
    "Beside PostgreSQL a run heeds the server's load, and knows which failures time does not mend",
    .enabled(if: TestPostgreSQL.isThere),
    .timeLimit(.minutes(10))
)
struct PostgreSQLFlowTests {
    /// Opens a transaction that does nothing for long, and ends it.
    private func withOpenTransaction(_ database: PostgreSQLPlace, _ body: () async throws -> Void) async throws {
        let mark = "idle beside \(database.schema)"
        async let session = CommandLineTool.run(
            ["psql", database.url, "-c", "BEGIN; SELECT pg_sleep(600) /* \(mark) */; COMMIT"]
        )
        let isThere = "FROM pg_stat_activity WHERE query LIKE '%\(mark)%' AND pid <> pg_backend_pid()"
        while try await database.sql("SELECT count(*) \(isThere)") == ["0"] {}
        do {
            try await body()
        } catch {
            _ = try? await database.sql("SELECT pg_terminate_backend(pid) \(isThere)")
            throw error
        }
        try await database.sql("SELECT pg_terminate_backend(pid) \(isThere)")
        _ = try await session
    }

    @Test(
        "Ready-made probes: a busy server and an open transaction hold a run up, a missing standby does not",
        .embeddedOnly("FlowControlTests shows it")
    )
    func probes() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await place.makeSource(records: 200)
                let on = "on: target, every: 1s"
                try place.write(
                    SpecFile(
                        sinks: [database.table("person", "upsert")],
                        more: [
                            "probes:", "  - {active-connections: 0, \(on)}", "  - {long-transactions: 1ms, \(on)}",
                            "  - {replication-lag: 1s, \(on)}",
                        ]
                    )
                )
                try await withOpenTransaction(database) {
                    let program = try place.start("run", "spec.yaml", "--quiet")
                    try await place.untilWaiting(for: "probe ", program)
                    try await place.until("an answer of every probe", program) {
                        try await place.events().count { $0.hasPrefix("probe ") } >= 3
                    }
                    let events = try await place.events()
                    func says(_ text: String) -> Bool { events.contains { $0.contains(text) } }
                    #expect(says("probe replication-lag says yes"), "\(events)")
                    #expect(says("probe active-connections says no: ") && says(" active, more than 0"), "\(events)")
                    #expect(
                        says("probe long-transactions says no: a transaction is open for ")
                            && says(", more than 0.0 s"),
                        "\(events)"
                    )
                    #expect(try await place.progress("published", as: Int.self) == 0)
                    expectComplete(try await place.backfill("cancel", try await place.newestRun()))
                    #expect(try await program.wait().status == .exit(1))
                }
            }
        }
    }

    @Test(
        "A missing right fails at once, whatever the number of attempts; given, the bucket is carried on",
        arguments: Engine.available
    )
    func rights(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                let role = "role_" + database.schema
                try await place.makeSource(records: 400)
                try await database.sql(
                    """
                    CREATE TABLE person (id int PRIMARY KEY, name text, note text, score double precision);
                    CREATE ROLE \(role) LOGIN;
                    GRANT USAGE, CREATE ON SCHEMA \(database.schema) TO \(role);
                    GRANT SELECT, INSERT, UPDATE ON person TO \(role);
                    """
                )
                do {
                    let url = database.url.replacing("://backfill@", with: "://\(role)@")
                    try place.write(
                        SpecFile(
                            sinks: ["table: {database: \"\(url)\", name: person, mode: upsert}"],
                            more: ["buckets: 1", "batch: 50", "pace: 10/s", "retry: {maximum-attempts: 1000000}"]
                        )
                    )
                    let program = try place.start("run", "spec.yaml", "--quiet")
                    try await place.untilPublished(1, program)
                    try await database.sql("REVOKE INSERT ON person FROM \(role)")
                    let end = try await program.wait()

                    let run = try await place.newestRun()
                    #expect(end.status == .exit(1), "\(end.all)")
                    #expect(end.notes.contains("permission denied for table person"), "\(end.notes)")
                    expectPlainWords(end)
                    #expect(end.lastNote == "next: backfill resume \(run) --bucket 1")
                    #expect(try await place.progress("retries", as: Int.self) == 1, "tried once")
                    #expect(try await place.progress("dead_letters", as: Int.self) == 0, "no record is to blame")

                    try await database.sql("GRANT INSERT ON person TO \(role)")
                    expectComplete(try await place.backfill("throttle", run, "--rate", "none"))
                    expectComplete(try await place.backfill("resume", run, "--bucket", "1"))
                    #expect(try await database.sql("SELECT count(*) FROM person") == ["400"])
                } catch {
                    _ = try? await database.sql("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
                    throw error
                }
                try await database.sql("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
            }
        }
    }

    @Test(
        "What a rule calls passing is retried as it says, with count, cause and next attempt in stats, until it passes",
        arguments: Engine.available
    )
    func passing(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                try await place.makeSource(records: 200)
                try await database.sql(
                    """
                    CREATE TABLE person (id int PRIMARY KEY, name text, note text, score double precision);
                    CREATE TABLE quota AS SELECT 0 AS free;
                    CREATE FUNCTION charge() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF (SELECT free FROM quota) = 0 THEN
                        RAISE ''quota exceeded, come back later'' USING ERRCODE = ''53400''; END IF; RETURN NULL; END';
                    CREATE TRIGGER charge BEFORE INSERT ON person FOR EACH STATEMENT EXECUTE FUNCTION charge();
                    """
                )
                let rule =
                    "{cause: quota exceeded, action: retry, initial-interval: 50ms, maximum-interval: 50ms, maximum-attempts: 1000000}"
                try place.write(
                    SpecFile(
                        sinks: [database.table("person", "upsert", create: false)],
                        more: ["buckets: 1", "retry: {maximum-attempts: 1, rules: [\(rule)]}"]
                    )
                )
                let program = try place.start("run", "spec.yaml", "--quiet")
                try await place.until("several attempts", program) {
                    try await place.progress("retries", as: Int.self) ?? 0 >= 3
                }
                let stats = try JSONResult(try await place.backfill("stats", "--json"))
                #expect(stats["buckets"][0]["waiting"].text?.contains("quota exceeded, come back later") == true)
                #expect(stats["buckets"][0]["next_attempt_at"].integer != nil)
                #expect(stats["buckets"][0]["retries"].integer ?? 0 >= 3)
                try await database.sql("UPDATE quota SET free = 1")
                expectComplete(try await program.wait())
                #expect(try await database.sql("SELECT count(*) FROM person") == ["200"])
            }
        }
    }
}
