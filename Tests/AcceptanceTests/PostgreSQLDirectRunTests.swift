import Foundation
import TestSupport
import Testing

@Suite(
    "With `stage: direct` from PostgreSQL, records go from table to table, each once, while the source changes",
    .enabled(if: TestPostgreSQL.isThere),
    .timeLimit(.minutes(10))
)
struct PostgreSQLDirectRunTests {
    private static let records = 12_000

    private func spec(_ database: PostgreSQLPlace, _ more: [String] = []) -> SpecFile {
        var spec = SpecFile(
            sql: "SELECT id, name, note, score FROM person",
            sinks: [database.table("appended", "append"), database.table("upserted", "upsert")],
            more: ["stage: direct", "buckets: 4", "batch: 40", "executors: 3"] + more
        )
        spec.source = database.connection
        return spec
    }

    @Test(
        "kill -9 at random moments while rows come and go: nothing that stayed is lost, nothing is appended twice",
        arguments: Engine.available
    )
    func killed(engine: Engine) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("kill -9 of direct runs from PostgreSQL with seed \(seed)")
        var random = SplitMix64(seed: seed)
        // A program may end before it is killed, so there are rounds until enough were.
        var kills = 0
        while kills < engine.kills(of: 3) {
            try await PostgreSQLPlace.with { database in
                try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
                    try await database.makeSource(records: Self.records)
                    try place.write(spec(database))
                    var source = ChangingSource(records: Self.records) { try await database.sql($0) }
                    kills += try await place.runDirectlyThroughKills(&source, using: &random) { range in
                        try await database.sql("DELETE FROM appended WHERE \(range)")
                    }
                    for table in ["appended", "upserted"] {
                        let ids = try await database.sql("SELECT id FROM \(table)").compactMap { Int($0) }
                        #expect(Set(ids).count == ids.count, "seed \(seed): \(table) holds a record twice")
                        #expect(
                            source.untouched.isSubset(of: ids),
                            "seed \(seed): \(table) lacks \(source.untouched.subtracting(ids).sorted().prefix(9))"
                        )
                    }
                }
            }
        }
    }

    @Test(
        "In one process the plan and all buckets are of one instant, whatever becomes of the source meanwhile",
        .embeddedOnly("each worker reads in an instant of its own")
    )
    func instant() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: Self.records)
                try place.write(
                    spec(
                        database,
                        ["retry: {initial-interval: 20ms, maximum-interval: 100ms, maximum-attempts: 100000}"]
                    )
                )
                // No row is let in before the source has changed.
                try await database.sql(
                    """
                    CREATE TABLE kept AS TABLE person; CREATE TABLE appended (LIKE person); CREATE TABLE allowance (rows int);
                    CREATE FUNCTION allow() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF NOT EXISTS (SELECT FROM allowance) THEN RAISE ''not yet'' USING ERRCODE = ''55P03''; END IF; RETURN NULL; END';
                    CREATE TRIGGER allow BEFORE INSERT ON appended EXECUTE FUNCTION allow();
                    """
                )
                let program = try place.start("run", "spec.yaml", "--quiet")
                while true {
                    // Before the first run is stored there is no stats.
                    let stats = try await place.backfill("stats", "--json")
                    if stats.status == .exit(0), try JSONResult(stats)["run"]["retries"].integer ?? 0 > 0 { break }
                }
                try await database.sql(
                    "DELETE FROM person WHERE id % 3 = 0; UPDATE person SET name = 'new'; INSERT INTO allowance VALUES (1)"
                )
                expectComplete(try await program.wait())
                #expect(try await database.digest("appended") == (try await database.digest("kept")))
                #expect(try await database.digest("upserted") == (try await database.digest("kept")))
            }
        }
    }

    @Test(
        "The server ends the run's sessions in mid-run: it reads on behind what it had, and brings every record once",
        .embeddedOnly("PostgreSQLCrashTests ends the sessions of workers")
    )
    func terminated() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: Self.records)
                try place.write(
                    spec(
                        database,
                        ["retry: {initial-interval: 20ms, maximum-interval: 100ms, maximum-attempts: 100000}"]
                    )
                )
                try await database.sql(
                    """
                    CREATE TABLE appended (LIKE person); CREATE TABLE allowance AS SELECT 1000 AS rows;
                    CREATE FUNCTION allow() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF (SELECT count(*) FROM appended) > (SELECT rows FROM allowance) THEN
                        RAISE ''not yet'' USING ERRCODE = ''55P03''; END IF; RETURN NULL; END';
                    CREATE TRIGGER allow BEFORE INSERT ON appended EXECUTE FUNCTION allow();
                    """
                )
                let program = try place.start("run", "spec.yaml", "--quiet")
                for end in 1...5 {
                    while try await database.sql("SELECT count(*) >= \(end * 1000) FROM appended") == ["f"] {}
                    let sessions = PostgreSQLPlace.sessions(of: try await place.newestRun())
                    try await database.sql(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE \(sessions) AND query NOT LIKE '%backfill_ledger%'"
                    )
                    try await database.sql("UPDATE allowance SET rows = rows + 1000")
                }
                try await database.sql("UPDATE allowance SET rows = 1000000")
                expectComplete(try await program.wait())
                let source = try await database.digest("person")
                #expect(try await database.digest("appended") == source)
                #expect(try await database.digest("upserted") == source)
                let stats = try JSONResult(try await place.backfill("stats", "--json"))
                #expect(stats["run"]["published"].integer == Self.records)
                #expect(try #require(stats["run"]["retries"].integer) > 0)
            }
        }
    }
}
