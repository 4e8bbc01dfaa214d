import Testing

@testable import BackfillKit

@Suite("A variable's value is used, and never shown")
struct SecretTests {
    private let environment = [
        "PASSWORD": "hunter2", "FILE": "hunter2.sqlite", "EMPTY": "", "URL": "hunter2", "NESTED": "${PASSWORD}",
    ]

    @Test("Nothing that describes a spec shows what a variable holds, nor a password that is written out")
    func hidden() throws {
        let text = """
            name: customers
            source: postgresql://me:${PASSWORD}@host/db?sslmode=require
            queries: [{name: all, sql: SELECT 1, key: id, parameters: {token: "x${PASSWORD}"}}]
            sinks:
              - table: {database: "sqlite:${FILE}", name: t}
              - table: {database: "postgresql://me:hunter2@host/db?password=hunter2", name: t}
            """
        let spec = try SpecText.parse(text, environment: environment)
        guard case .postgresql(let url) = spec.source.place else {
            Issue.record("expected PostgreSQL, found \(spec.source)")
            return
        }
        #expect(url.secret == "postgresql://me:hunter2@host/db?sslmode=require")
        #expect(spec.source.description == "postgresql://me:${PASSWORD}@host/db?sslmode=require")
        #expect(spec.queries[0].parameters["token"] == .text(SecretText(secret: "xhunter2", redacted: "x${PASSWORD}")))
        #expect(spec.sourceText == text)
        var described = spec
        // The text as written holds what its author wrote into it; everything else is looked at here.
        described.sourceText = ""
        var dumped = ""
        dump(described, to: &dumped)
        for shown in [String(describing: described), String(reflecting: described), dumped] {
            #expect(!shown.contains("hunter2"), "\(shown)")
            #expect(
                shown.contains("${PASSWORD}") && shown.contains("postgresql://me:***@host/db?password=***"),
                "\(shown)"
            )
        }
    }

    @Test(
        "Problems name the variable and where it stands, never its value",
        arguments: [
            (
                "source: sqlite:${NO_SUCH}/${FILE}/${NOR_THIS}",
                [
                    "1:16: source: the environment variable NO_SUCH is not set. Set it, or write $${NO_SUCH} if the text itself is meant.",
                    "1:35: source: the environment variable NOR_THIS is not set. Set it, or write $${NOR_THIS} if the text itself is meant.",
                ]
            ),
            (
                "# ${FILE} ${FILE}\nsource: sqlite:${GONE}",
                [
                    "2:16: source: the environment variable GONE is not set. Set it, or write $${GONE} if the text itself is meant."
                ]
            ),
            (
                "queries: [{name: a, sql: \"${FILE}.sql\", key: id}]",
                [
                    "1:26: queries.sql: the SQL file \"/nowhere/${FILE}.sql\" does not exist. Check the path; in a spec, paths begin at the spec file's folder."
                ]
            ),
            (
                "source: >-\n  sqlite:a\n  $${b}${GONE}",
                [
                    "3:8: source: the environment variable GONE is not set. Set it, or write $${GONE} if the text itself is meant."
                ]
            ),
            (
                "source: sqlite:${1}",
                [
                    "1:16: source: ${ is not followed by a variable's name and }. Write ${NAME}, or $${ if the text itself is meant."
                ]
            ),
            (
                "source: sqlite:${FILE",
                [
                    "1:16: source: ${ is not followed by a variable's name and }. Write ${NAME}, or $${ if the text itself is meant."
                ]
            ),
            (
                "source: ${URL}",
                [
                    "1:9: source: expected a connection string, found what \"${URL}\" holds. Write sqlite:<path>, or postgresql://user@host/database."
                ]
            ),
            (
                "queries: [{name: a, sql: \"${FILE}.sql\", key: id}]",
                [
                    "1:26: queries.sql: the SQL file \"/nowhere/${FILE}.sql\" does not exist. Check the path; in a spec, paths begin at the spec file's folder."
                ]
            ),
            ("source: ${EMPTY}", ["1:9: source: what \"${EMPTY}\" holds is empty. Give it a value."]),
            (
                "executors: ${PASSWORD}",
                [
                    "1:12: executors: expected a whole number, found what \"${PASSWORD}\" holds. Write a whole number from 1 to 500."
                ]
            ),
            (
                "tolerate: ${PASSWORD}",
                [
                    "1:11: tolerate: expected a count such as 20 or a per cent such as 0.1%, found what \"${PASSWORD}\" holds. Set the variable to a count such as 20 or a per cent such as 0.1%."
                ]
            ),
            (
                "batch: {bytes: \"${PASSWORD}\"}",
                [
                    "1:16: batch.bytes: expected a byte size such as 4 MiB, found what \"${PASSWORD}\" holds. Set the variable to a byte size such as 4 MiB."
                ]
            ),
        ]
    )
    func problems(lines: String, problems: [String]) {
        let found = SpecText.problems(SpecText.complete(lines), environment: environment)
        #expect(found == problems)
        #expect(!found.joined().contains("hunter2"))
    }

    @Test("Escapes give the text itself, and values are not looked through again")
    func escapes() throws {
        let spec = try SpecText.parse(
            SpecText.complete("queries: [{name: a, sql: \"SELECT '$${X}', $1, $$x$$\", key: \"${NESTED}$\"}]"),
            environment: environment
        )
        #expect(spec.queries[0].sql.text == "SELECT '${X}', $1, $$x$$")
        #expect(spec.queries[0].key == "${PASSWORD}$")
    }

    @Test(
        "Passwords are starred out, rather too much than too little",
        arguments: [
            ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
            ("postgresql://u:p@ss:w/rd@h/d", "postgresql://u:***@h/d"),
            ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
            ("postgresql://h/d?PASSWORD=x&a=b", "postgresql://h/d?PASSWORD=***&a=b"),
            ("postgresql://u:${A}${B}@h/d", "postgresql://u:***@h/d"),
            ("postgresql://u:${A}@h/d?sslpassword=${B}", "postgresql://u:${A}@h/d?sslpassword=${B}"),
            ("sqlite:a@b:c", "sqlite:a@b:c"),
        ]
    )
    func redaction(text: String, redacted: String) {
        #expect(Redaction.redact(text) == redacted)
    }
}
