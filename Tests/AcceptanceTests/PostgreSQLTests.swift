import Foundation
import TestSupport
import Testing

@Suite(
    "PostgreSQL as source and target, as a person meets it",
    .enabled(if: TestPostgreSQL.isThere),
    .timeLimit(.minutes(10))
)
struct PostgreSQLTests {
    @Test(
        "SQLite to PostgreSQL to SQLite and to a file: every record as it was",
        .embeddedOnly("values do not pass through the engine")
    )
    func around() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await place.makeSource(records: 3000)
                try place.write(SpecFile(sinks: [database.table("there", "append")]))
                expectComplete(try await place.backfill("run", "spec.yaml"))
                var back = SpecFile(name: "back", sinks: [SpecFile.upsert("back"), SpecFile.file("back.ndjson")])
                back.source = database.connection
                back.sql = "SELECT id, name, note, score FROM there ORDER BY id"
                try place.write(back)
                let plan = try await place.backfill("plan", "spec.yaml")
                #expect(plan.output.contains("3,000 records in 4 buckets"), "\(plan.all)")
                expectComplete(try await place.backfill("run", "spec.yaml"))
                #expect(
                    try await place.records(of: "back", in: "target.sqlite")
                        == place.records(of: "person", in: "source.sqlite")
                )
                #expect(try place.objects("back.ndjson") == (try await place.sourceObjects()))
            }
        }
    }

    @Test("Queries of a consistent spec see the same instant", arguments: Engine.available)
    func consistent(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                try await database.makeSource(records: 500)
                try place.write(
                    """
                    name: two
                    source: \(database.connection)
                    consistent: true
                    queries:
                      - {name: slow, sql: "SELECT id, pg_advisory_xact_lock_shared(4711)::text AS pause FROM person", key: id}
                      - {name: count, sql: "SELECT -count(*) AS id, '' AS pause FROM person", key: id}
                    buckets: 2
                    sinks: [{table: {database: sqlite:target.sqlite, name: rows, create: true}}]
                    """,
                    to: "spec.yaml"
                )
                // The first query waits for a lock while rows that the second one counts are deleted.
                let locker = try await LockHolder(
                    database,
                    "SELECT pg_advisory_lock(4711)",
                    isHeld: "SELECT count(*) FROM pg_locks WHERE objid = 4711 AND granted"
                )
                let program = try place.start("run", "spec.yaml", "--quiet")
                while try await database.sql("SELECT count(*) FROM pg_locks WHERE objid = 4711 AND NOT granted") == [
                    "0"
                ] {}
                try await database.sql("DELETE FROM person WHERE id > 100")
                try await locker.release()
                expectComplete(try await program.wait())
                #expect(try await place.values("SELECT min(id) FROM rows", of: "target.sqlite", as: Int.self) == [-500])
                #expect(try await place.count("rows", of: "target.sqlite") == 501)
            }
        }
    }

    @Test(
        "Bad records become one dead letter each, whatever refuses them; the others arrive",
        .embeddedOnly("PoisonRecordTests shows it")
    )
    func deadLetters() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await place.makeSource(records: 1000)
                try await database.sql(
                    """
                    CREATE TABLE person (id int PRIMARY KEY, name varchar(25), note text, score double precision CHECK (score <> 50));
                    INSERT INTO person VALUES (7, 'here before');
                    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF NEW.id % 300 = 0 THEN RAISE EXCEPTION ''not %'', NEW.id; END IF; RETURN NEW; END';
                    CREATE TRIGGER refuse BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION refuse();
                    """
                )
                try await place.execute(
                    "UPDATE person SET name = 'much too long a name for this' WHERE id = 555",
                    on: "source.sqlite"
                )
                try place.write(
                    SpecFile(
                        sinks: [database.table("person", "append", create: false)],
                        more: ["buckets: 4", "batch: 100", "tolerate: 6"]
                    )
                )
                let end = try await place.backfill("run", "spec.yaml")
                expectComplete(end)
                let letters = try JSONResult(try await place.backfill("dead-letters", "list", "--json"))
                #expect(letters.elements.map { $0["record_id"].text } == ["7", "300", "400", "555", "600", "900"])
                let causes = letters.elements.map { $0["error"].text ?? "" }
                #expect(causes[0].contains("duplicate key value violates unique constraint"))
                #expect(causes[1].contains("not 300") && causes[2].contains("person_score_check"))
                #expect(causes[3].contains("too long") && causes[3].contains("column name"))
                #expect(try await database.sql("SELECT count(*) FROM person") == ["995"])
            }
        }
    }

    @Test(
        "A lock of another session is waited for and told; a table that is dropped fails its buckets, and resume does the rest",
        arguments: Engine.available
    )
    func disturbed(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                try await place.makeSource(records: 400)
                let table = "CREATE TABLE person (id int PRIMARY KEY, name text, note text, score double precision)"
                try await database.sql(table)
                func write(attempts: Int) throws {
                    try place.write(
                        SpecFile(
                            sinks: [database.table("person", "append", create: false)],
                            more: [
                                "buckets: 2", "batch: 50",
                                "retry: {maximum-attempts: \(attempts), initial-interval: 10ms}",
                            ]
                        )
                    )
                }
                try write(attempts: 1000)
                // The lock is held until a retry is seen, or the table is given up.
                let locker = try await LockHolder(
                    database,
                    "LOCK TABLE person IN ACCESS EXCLUSIVE MODE",
                    isHeld:
                        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'person'::regclass AND granted"
                )
                let program = try place.start("run", "spec.yaml", "--quiet")
                try await place.until("a retry") { $0["run"]["retries"].integer ?? 0 > 0 }
                let waiting = try JSONResult(try await place.backfill("stats", "--json"))
                let cause = try #require(waiting["buckets"].elements.compactMap { $0["error"].text }.first)
                #expect(cause.contains("did not answer in time") && cause.contains("lock timeout"), "\(cause)")
                try await locker.release()
                expectComplete(try await program.wait())
                #expect(try await database.sql("SELECT count(*) FROM person") == ["400"])

                // As if the table were gone from its hundredth record on.
                try await database.sql(
                    """
                    TRUNCATE person; CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN IF (SELECT count(*) FROM person) >= 100 THEN RAISE ''relation person does not exist'' USING ERRCODE = ''42P01''; END IF; RETURN NULL; END';
                    CREATE TRIGGER vanish BEFORE INSERT ON person EXECUTE FUNCTION vanish()
                    """
                )
                try write(attempts: 3)
                let failed = try await place.backfill("run", "spec.yaml")
                #expect(failed.status == .exit(1), "\(failed.all)")
                #expect(
                    failed.notes.contains("person") && failed.notes.contains("next: backfill resume"),
                    "\(failed.notes)"
                )
                expectPlainWords(failed)
                try await database.sql("DROP TRIGGER vanish ON person")
                expectComplete(try await place.backfill("resume", try await place.newestRun()))
                #expect(try await database.sql("SELECT count(*), count(DISTINCT id) FROM person") == ["400|400"])
            }
        }
    }

    @Test("Stopping the tool ends the server's query, and says how to go on", arguments: Engine.available)
    func interrupted(engine: Engine) async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with(on: engine) { place in
                var spec = SpecFile()
                spec.source = database.connection
                spec.sql = "SELECT 1 AS id, pg_sleep(3600)::text AS name, '\(database.schema)' AS note"
                try place.write(spec)
                let program = try place.start("run", "spec.yaml")
                let running =
                    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%\(database.schema)%'"
                while try await database.sql(running) == ["0"] {}
                let end = try await place.leave(program)
                if engine == .embedded { #expect(end.lastNote.contains("backfill resume")) }
                while try await database.sql(running) != ["0"] {}
            }
        }
    }

    @Test("What cannot work is told before anything is begun", .embeddedOnly("no engine is asked"))
    func badPlaces() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: 10)
                try await place.makeSource(records: 10)
                func refused(_ spec: SpecFile, exit status: Int32 = 2, _ texts: String...) async throws {
                    try place.write(spec)
                    expectError(try await place.backfill("run", "spec.yaml"), exit: status, texts)
                    #expect(!place.exists(".backfill"))
                }
                let nowhere = "\"postgresql://me:s3cret@127.0.0.1:1/db\""
                var spec = SpecFile()
                spec.source = nowhere
                try await refused(spec, exit: 1, "cannot be read just now", "postgresql://me:***@127.0.0.1:1/db")
                spec.source = database.connection.replacing("/backfill?", with: "/missing?")
                try await refused(spec, exit: 1, "database \"missing\" does not exist")
                spec.source = database.connection
                spec.sql = "SELECT id, nme FROM person"
                try await refused(spec, "spec.yaml:4", ":12: query all: column \"nme\" does not exist")
                spec.sql = "DELETE FROM person RETURNING id"
                try await refused(spec, "does not just read")
                spec.sql = "SELECT id FROM person WHERE id > :since"
                try await refused(spec, "uses :since")
                spec = SpecFile(sinks: [database.table("missing", "upsert", create: false)])
                try await refused(spec, "table missing does not exist")
                try await database.sql("CREATE VIEW seen AS SELECT * FROM person")
                spec = SpecFile(sinks: [database.table("seen", "append", create: false)])
                try await refused(spec, "is a view")
                spec = SpecFile(sinks: ["table: {database: \(nowhere), name: t}"])
                try await refused(spec, exit: 1, "cannot be reached just now", "postgresql://me:***@127.0.0.1:1/db")
                #expect(try await database.sql("SELECT count(*) FROM person") == ["10"])
            }
        }
    }

    @Test(
        "Parameters are bound as what they stand for, and a password in the environment stays there",
        .embeddedOnly("values do not pass through the engine")
    )
    func secrets() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: 100)
                try place.write(
                    """
                    name: people
                    source: ${SOURCE}
                    queries:
                      - {name: all, sql: "SELECT id, name, note, score, :day::date AS day FROM person WHERE id > :since AND name <> :name ORDER BY id",
                         key: id, parameters: {since: 90, name: "O'Brien; -- \\"", day: "2024-02-29"}}
                    sinks: [{table: {database: "${TARGET}", name: copied, mode: upsert, create: true}}]
                    """,
                    to: "spec.yaml"
                )
                // The test server asks for no password, so any is right.
                let environment = [
                    "SOURCE": database.url + "&password=s3cret",
                    "TARGET": "postgresql:\(Self.keywords(of: database.url)) password='s3 cret'",
                ]
                let end = try await place.backfill("run", "spec.yaml", environment: environment)
                expectComplete(end)
                #expect(!end.all.contains("s3cret") && !end.all.contains("s3 cret"))
                #expect(
                    try await database.sql("SELECT count(*), min(id), max(day) FROM copied") == ["10|91|2024-02-29"]
                )
                for (name, content) in try place.contents() {
                    #expect(content.range(of: Data("s3cret".utf8)) == nil, "\(name)")
                    #expect(content.range(of: Data("s3 cret".utf8)) == nil, "\(name)")
                }
                for arguments in [["stats", "--json"], ["history", try await place.newestRun()], ["list"]] {
                    let shown = try await BuiltProgram.start(arguments, in: place.folder, environment: environment)
                        .wait()
                    // Not just "s3": an id may hold that.
                    #expect(!shown.all.contains("s3cret") && !shown.all.contains("s3 cret"), "\(shown.all)")
                }
            }
        }
    }

    @Test("Environment variables and service files count as libpq has it", .embeddedOnly("libpq asks no engine"))
    func surroundings() async throws {
        try await PostgreSQLPlace.with { database in
            try await Workplace.with { place in
                try await database.makeSource(records: 50)
                let keywords = Self.keywords(of: database.url)
                try place.write(
                    "[here]\n" + keywords.replacing("'", with: "").replacing(" ", with: "\n"),
                    to: "services"
                )
                var spec = SpecFile(sinks: [
                    "table: {database: \"postgresql:service=here\", name: copied, create: true}"
                ])
                spec.source = "\"postgresql:\""
                try place.write(spec)
                var environment = ["PGSERVICEFILE": place.file("services").path]
                for (variable, keyword) in [
                    ("PGHOST", "host"), ("PGUSER", "user"), ("PGDATABASE", "dbname"), ("PGOPTIONS", "options"),
                ] {
                    let value = keywords.split(separator: " ").first { $0.hasPrefix("\(keyword)=") }
                    environment[variable] = value.map {
                        String($0.dropFirst(keyword.count + 1)).replacing("'", with: "")
                    }
                }
                expectComplete(try await place.backfill("run", "spec.yaml", environment: environment))
                let expected = try await database.digest("person")
                #expect(try await database.digest("copied") == expected)
            }
        }
    }

    /// A URI of the test server as libpq's keywords.
    private static func keywords(of url: String) -> String {
        guard let parts = URLComponents(string: url),
            let options = parts.queryItems?.first(where: { $0.name == "options" })?.value
        else { return "" }
        let host = parts.host?.removingPercentEncoding ?? ""
        return "host=\(host) user=\(parts.user ?? "") dbname=\(parts.path.dropFirst()) options='\(options)'"
    }
}

/// A session that holds what a statement has taken, until it is told to let go.
private struct LockHolder {
    private let input: Pipe
    private let process: Process

    init(_ database: PostgreSQLPlace, _ statement: String, isHeld: String) async throws {
        input = Pipe()
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["psql", database.url, "-XAtq"]
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data("BEGIN; \(statement);\n".utf8))
        while try await database.sql(isHeld) == ["0"] {}
    }

    func release() async throws {
        try input.fileHandleForWriting.write(contentsOf: Data("COMMIT;\n\\q\n".utf8))
        try input.fileHandleForWriting.close()
    }
}

extension Workplace {
    /// Asks for stats until they show something; again as soon as it is answered, at most 2,000 times.
    fileprivate func until(_ what: String, _ holds: (JSONResult) -> Bool) async throws {
        for _ in 0..<2000 {
            let stats = try await backfill("stats", "--json")
            if stats.status == .exit(0), holds(try JSONResult(stats)) { return }
        }
        Issue.record("\(what) did not show")
    }
}
