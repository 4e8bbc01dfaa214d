import Testing

@Suite("A spec that is wrong is refused with the place, what is wrong and what to do, and nothing is made")
struct BadSpecTests {
    /// A wrong spec: what stands in the file, and what the error must say.
    struct Wrong: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var spec: String
        var texts: [String]

        init(_ description: String, _ spec: String, _ texts: String...) {
            testDescription = description
            self.spec = spec
            self.texts = texts
        }
    }

    private static let right = SpecFile().text

    static let wrong = [
        Wrong("empty", "", "spec.yaml", "empty"),
        Wrong("only a comment", "# nothing\n", "spec.yaml"),
        Wrong("not YAML", "name: [", "spec.yaml:"),
        Wrong("a tab", "name: x\n\tsource: y", "spec.yaml:2"),
        Wrong("a list", "- name\n", "spec.yaml:1:1", "expected"),
        Wrong("binary", "\u{1}\u{2}\u{0}", "spec.yaml"),
        Wrong("unknown key", right.replacing("batch:", with: "bacth:"), "unknown key", "bacth", "batch"),
        Wrong("wrong type", right.replacing("buckets: 4", with: "buckets: four"), "spec.yaml:5:10", "buckets", "four"),
        Wrong("a list for a number", right.replacing("batch: 100", with: "batch: [1]"), "batch", "a list"),
        Wrong("negative buckets", right.replacing("buckets: 4", with: "buckets: -4"), "buckets", "-4"),
        Wrong("no bucket", right.replacing("buckets: 4", with: "buckets: 0"), "buckets", "0"),
        Wrong("negative batch", right.replacing("batch: 100", with: "batch: -1"), "batch", "-1"),
        Wrong("negative tolerance", right.replacing("batch: 100", with: "tolerate: -1"), "tolerate", "-1"),
        Wrong("unknown sink", right.replacing("- table:", with: "- tabel:"), "unknown sink", "tabel", "table"),
        Wrong("unknown mode", right.replacing("mode: upsert", with: "mode: upsrt"), "mode", "upsrt", "upsert"),
        Wrong("no sinks", right.replacing("sinks:", with: "executors: 2 #"), "spec.yaml"),
        Wrong("unknown source", right.replacing("sqlite:source.sqlite", with: "oracle:db"), "source", "oracle"),
        Wrong(
            "a variable that is not set",
            right.replacing("source.sqlite", with: "${NO_SUCH_VARIABLE_HERE}"),
            "NO_SUCH_VARIABLE_HERE",
            "not set"
        ),
    ]

    @Test("What is wrong in the file", arguments: wrong)
    func refused(_ wrong: Wrong) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1)
            try place.write(wrong.spec, to: "spec.yaml")
            let before = try place.contents()

            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, wrong.texts)
            expectError(try await place.backfill("run", "spec.yaml", "--json", "--dry-run"), exit: 2, wrong.texts)
            expectError(try await place.backfill("plan", "spec.yaml"), exit: 2, wrong.texts)

            #expect(try place.contents() == before)
        }
    }

    @Test("A spec that is not there, or is a folder")
    func missing() async throws {
        try await Workplace.with { place in
            expectError(try await place.backfill("run", "nope.yaml"), exit: 2, "nope.yaml")
            expectError(try await place.backfill("run", "."), exit: 2)
            #expect(try place.contents().isEmpty)
        }
    }

    /// What stands in `query.sql`; nil when there is no such file.
    struct WrongSQL: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var sql: String?
        var texts: [String]

        init(_ description: String, _ sql: String?, _ texts: String...) {
            testDescription = description
            self.sql = sql
            self.texts = texts
        }
    }

    static let wrongSQL = [
        WrongSQL("missing", nil, "query.sql"),
        WrongSQL("empty", "", "query.sql"),
        WrongSQL("only a comment", "-- SELECT 1\n", "query.sql"),
        WrongSQL("two statements", "SELECT id FROM person; SELECT 1", "query.sql", "more than one statement"),
        WrongSQL("a syntax error", "SELECT id\nFROM person WHER id > 1\n", "query.sql:2:", "syntax error"),
        WrongSQL("no such table", "SELECT id FROM persons", "query.sql", "no such table: persons"),
        WrongSQL("a write", "DELETE FROM person", "query.sql", "does not just read"),
        WrongSQL(
            "a write that gives rows",
            "UPDATE person SET name = 'x' RETURNING id",
            "query.sql",
            "does not just read"
        ),
        WrongSQL("a pragma", "PRAGMA journal_mode = WAL", "query.sql"),
        WrongSQL("an attachment", "ATTACH 'other.sqlite' AS other", "query.sql"),
        WrongSQL("no key column", "SELECT name FROM person", "query.sql", "no column id", "name"),
        WrongSQL("a parameter without a value", "SELECT id FROM person WHERE id > :least", "query.sql", ":least"),
        WrongSQL("a column twice", "SELECT id, name, name FROM person", "query.sql", "two columns named name"),
    ]

    @Test("What is wrong in the SQL", arguments: wrongSQL)
    func sql(_ wrong: WrongSQL) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1)
            try place.write(SpecFile(sql: "query.sql"))
            if let sql = wrong.sql { try place.write(sql, to: "query.sql") }
            let before = try place.contents()

            expectError(try await place.backfill("run", "spec.yaml"), exit: 2, wrong.texts)
            expectError(try await place.backfill("plan", "spec.yaml"), exit: 2, wrong.texts)

            #expect(try place.contents() == before)
        }
    }

    @Test(
        "Flags and verbs that do not exist, and values that make no sense",
        arguments: [
            ["frobnicate"], ["run"], ["run", "spec.yaml", "--bogus"], ["run", "a", "b"], ["resume"],
            ["resume", "x", "--bucket", "0"],
            ["resume", "x", "--bucket", "three"], ["resume", "x", "--query", "all"], ["stats", "--by"], ["trace"],
            ["history"],
            ["dead-letters", "nope"], ["run", "spec.yaml", "--log-level", "loud"],
        ]
    )
    func usage(arguments: [String]) async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1)
            try place.write(SpecFile())
            let before = try place.contents()

            expectError(try await BuiltProgram.start(arguments, in: place.folder).wait(), exit: 2)

            #expect(try place.contents() == before)
        }
    }

    @Test(
        "Help and the version are results",
        arguments: [["--help"], ["--version"], ["run", "--help"], ["help", "resume"]]
    )
    func help(arguments: [String]) async throws {
        try await Workplace.with { place in
            let end = try await BuiltProgram.start(arguments, in: place.folder).wait()
            #expect(end.status == .exit(0))
            #expect(end.notes == "")
            #expect(!end.output.isEmpty)
        }
    }
}
