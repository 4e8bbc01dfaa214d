import Testing

@testable import SQLConnectors

@Suite("A parameter is found where PostgreSQL would read a name, and nowhere else")
struct QueryTextTests {
    @Test(
        "Parameters",
        arguments: [
            ("SELECT :a, :b, :a", ["a", "b"]),
            ("SELECT x::text, :since::date, '12:30', y :: int", ["since"]),
            ("SELECT ':a', \":b\", E'\\':c', e'it''s :d', '':e", ["e"]),
            ("SELECT $$ :a $$, $tag$ $$ :b $tag$, :c", ["c"]),
            ("SELECT 1 -- :a\n, /* :b /* :c */ :d */ :e", ["e"]),
            ("SELECT a[1:n], a[:n], b[x[1:2]:3], :c", ["c"]),
            ("SELECT f(a := 1, b => :c)", ["c"]),
            ("SELECT type'x', rate'y', Ee':a'", []),
            ("SELECT 1e5:a, a$b :c, ünïcode:d", ["a", "c", "d"]),
            ("SELECT E'\\\\' || :a", ["a"]),
            ("SELECT U&'\\0041' UESCAPE '!' || :été", ["été"]),
        ]
    )
    func parameters(_ sql: String, _ names: [String]) throws {
        let text = try PostgreSQLQueryText(sql)
        #expect(text.parameterNames == names)
        #expect(text.replacing { ":\($0)" } == sql)
    }

    @Test("A semicolon may end the statement; what follows it may only be blank")
    func ends() throws {
        #expect(try PostgreSQLQueryText("SELECT 1; -- done\n ;").replacing { $0 } == "SELECT 1")
        // The minus is not to become a part of the comment.
        #expect(try PostgreSQLQueryText("SELECT 1 -;-- done").replacing { $0 } == "SELECT 1 -")
        #expect(try !PostgreSQLQueryText("SELECT ';' ;").replacing { $0 }.hasSuffix(";"))
        #expect(throws: PostgreSQLQueryText.Problem.severalStatements) { try PostgreSQLQueryText("SELECT 1; SELECT 2") }
    }

    @Test(
        "What is no query",
        arguments: [
            ("", PostgreSQLQueryText.Problem.empty), (" -- nothing\n;;", .empty), ("; SELECT 1", .empty),
            ("SELECT $1", .unnamedParameter), ("SELECT 'a", .unterminated("string")),
            ("SELECT \"a", .unterminated("quoted name")), ("SELECT /* /* */", .unterminated("comment (/*)")),
            ("SELECT $a$ $b$", .unterminated("$a$ quote")),
        ]
    )
    func problems(_ sql: String, _ problem: PostgreSQLQueryText.Problem) {
        #expect(throws: problem) { try PostgreSQLQueryText(sql) }
    }

    @Test("Positions in the server's text are positions in the query's own")
    func positions() throws {
        let sql = "SELECT :first_name,\n  :x, wrong"
        let text = try PostgreSQLQueryText(sql)
        let sent = text.replacing { $0 == "x" ? "$2" : "$1" }
        let offset = try #require(sent.firstRange(of: "wrong")).lowerBound
        let position = sent.unicodeScalars.distance(from: sent.startIndex, to: offset) + 1
        #expect(text.place(ofCharacter: position, in: sql) == ":2:7")
        #expect(text.place(ofCharacter: 8, in: sql) == ":1:8")
    }
}
