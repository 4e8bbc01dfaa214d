import GRDB
import Testing

@testable import BackfillKit

@Suite("SQLite's parameters become PostgreSQL's, and nothing else of a statement changes")
struct PostgreSQLStatementTextTests {
    @Test(
        "Places and names are numbered as they are met",
        arguments: [
            ("SELECT ?, ?", "SELECT $1, $2", [1, 2]),
            ("SELECT ?2, ?1, ?2", "SELECT $1, $2, $1", [2, 1]),
            // A bare one is the next after the highest so far.
            ("SET a = ?, b = ?3, c = ?", "SET a = $1, b = $2, c = $3", [1, 3, 4]),
            ("SET a = ?, b = ?1 WHERE c = ?", "SET a = $1, b = $1 WHERE c = $2", [1, 2]),
        ]
    )
    func places(sql: String, text: String, places: [Int]) {
        let statement = PostgreSQLStatementText(sql)
        #expect(statement.text == text)
        #expect(statement.parameters == places.map { .place($0) })
    }

    @Test("Names may come more than once")
    func names() {
        let statement = PostgreSQLStatementText("WHERE a = :run OR :run IS NULL AND b = :a_1::text")
        #expect(statement.text == "WHERE a = $1 OR $1 IS NULL AND b = $2::text")
        #expect(statement.parameters == [.name("run"), .name("a_1")])
    }

    @Test(
        "Literals, quoted names, comments and casts stay as they are",
        arguments: ["'?'", "'it''s ? :x'", "\"a ? b\"", "-- why? it's :x\n'", "x::bigint", "'open ?"]
    )
    func untouched(sql: String) {
        let statement = PostgreSQLStatementText(sql)
        #expect(statement.text == sql)
        #expect(statement.parameters.isEmpty)
    }

    @Test("A value that is missing is said, and NULL is a value")
    func values() throws {
        #expect(try PostgreSQLStatementText("?2 ?1").bind(["a", nil]) == [.null, "a".databaseValue])
        #expect(throws: StateError.self) { try PostgreSQLStatementText("? ?").bind(["a"]) }
        #expect(throws: StateError.self) { try PostgreSQLStatementText(":x").bind(["y": 1]) }
    }
}
