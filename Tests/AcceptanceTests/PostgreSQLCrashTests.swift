import Foundation
import TestSupport
import Testing

@Suite(
    "Runs from and to PostgreSQL survive kills, ended sessions and restarts",
    .enabled(if: TestPostgreSQL.isThere),
    .timeLimit(.minutes(10))
)
struct PostgreSQLCrashTests {
    private static let records = 12_000
    private static let patience = "retry: {initial-interval: 20ms, maximum-interval: 100ms, maximum-attempts: 100000}"
    private static let pace = ["buckets: 4", "batch: 40", "executors: 3"]

    private func expectExactlyTheSource(
        _ place: Workplace,
        _ database: PostgreSQLPlace,
        _ when: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let source = try await database.digest("person")
        for table in ["upserted", "appended"] {
            #expect(try await database.digest(table) == source, "\(when): \(table)", sourceLocation: sourceLocation)
        }
        let stats = try JSONResult(try await place.backfill("stats", "--json"))
        #expect(stats["run"]["published"].integer == Self.records, "\(when)", sourceLocation: sourceLocation)
        #expect(stats["run"]["dead_lettered"].integer == 0, "\(when)", sourceLocation: sourceLocation)
    }

    /// Both tables in PostgreSQL at once.
    private func spec(source: String, _ database: PostgreSQLPlace, more: [String] = []) -> SpecFile {
        var spec = SpecFile(
            sinks: [database.table("upserted", "upsert"), database.table("appended", "append")],
            more: Self.pace + more
        )
        spec.source = source
        return spec
    }

    @Test(
        "kill -9 at random moments, at least twenty, from SQLite and from PostgreSQL",
        arguments: Engine.each(
            [(UInt64.random(in: 0...UInt64.max), false), (UInt64.random(in: 0...UInt64.max), true)],
            onCluster: 1
        )
    )
    func killed(engine: Engine, given: (seed: UInt64, fromSQLite: Bool)) async throws {
        let (seed, fromSQLite) = given
        print("kill -9 beside PostgreSQL with seed \(seed), \(fromSQLite ? "from SQLite" : "from PostgreSQL")")
        var random = SplitMix64(seed: seed)
        var kills = 0
        while kills < engine.kills(of: 11) {
            try await PostgreSQLPlace.with { database in
                try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
                    try await database.makeSource(records: Self.records)
                    if fromSQLite { try await place.makeSource(records: Self.records) }
                    try place.write(spec(source: fromSQLite ? "sqlite:source.sqlite" : database.connection, database))
                    kills += try await place.runThroughKills(longest: 900, using: &random)
                    try await expectExactlyTheSource(place, database, "seed \(seed)")
                }
            }
        }
    }

    @Test(
        "Ten times the server ends the run's sessions: it carries on by itself, and the retries are told",
        arguments: Engine.available
    )
    func terminated(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                try await database.makeSource(records: Self.records)
                // No more than so many rows are let in, so that each end comes in the middle.
                try await database.sql(
                    """
                    CREATE TABLE appended (LIKE person); CREATE TABLE allowance AS SELECT 1000 AS rows;
                    CREATE FUNCTION allow() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF (SELECT count(*) FROM appended) > (SELECT rows FROM allowance) THEN
                        RAISE ''not yet'' USING ERRCODE = ''55P03''; END IF; RETURN NULL; END';
                    CREATE TRIGGER allow BEFORE INSERT ON appended EXECUTE FUNCTION allow();
                    """
                )
                try place.write(spec(source: database.connection, database, more: [Self.patience]))
                let program = try place.start("run", "spec.yaml", "--quiet")
                let ended = engine.kills(of: 10)
                for end in 1...ended {
                    while try await database.sql("SELECT count(*) >= \(end * 1000) FROM appended") == ["f"] {}
                    // A cluster tries again once a second at most, so that sessions are mostly found idle there.
                    let sessions =
                        PostgreSQLPlace.sessions(of: try await place.newestRun())
                        + (engine == .embedded ? " AND query LIKE '%\(database.schema)%'" : "")
                    while try await database.sql(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE \(sessions)"
                    ) == ["0"] {}
                    try await database.sql("UPDATE allowance SET rows = rows + 1000")
                }
                try await database.sql("UPDATE allowance SET rows = 1000000")
                expectComplete(try await program.wait())
                try await expectExactlyTheSource(place, database, "after \(ended) ends")
                let stats = try JSONResult(try await place.backfill("stats", "--json"))
                #expect(try #require(stats["run"]["retries"].integer) > 0)
            }
        }
    }

    @Test("Three restarts of the server in mid-run: it carries on by itself", arguments: Engine.available)
    func restarted(engine: Engine) async throws {
        let folder = try ScratchFolder()
        try await OwnPostgreSQL.with(folder) { url, restart in
            try await PostgreSQLPlace.with(server: url) { database in
                try await Workplace.with(on: engine) { place in
                    try await database.makeSource(records: Self.records)
                    try place.write(
                        spec(
                            source: database.connection,
                            database,
                            more: [Self.patience]
                        )
                    )
                    let program = try place.start("run", "spec.yaml", "--quiet")
                    for count in 1...3 {
                        while try await database.sql("SELECT to_regclass('appended')") == ["∅"] {}
                        let goal = count * Self.records / 8
                        while try await database.sql("SELECT count(*) >= \(goal) FROM appended") == ["f"] {}
                        try await restart(count == 2 ? "immediate" : "fast")
                    }
                    expectComplete(try await program.wait())
                    try await expectExactlyTheSource(place, database, "after three restarts")
                }
            }
        }
    }
}
