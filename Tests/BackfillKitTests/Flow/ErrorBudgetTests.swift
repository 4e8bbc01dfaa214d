import Testing

@testable import BackfillKit

@Suite("An error budget is exact: as many dead letters as it says, and not one more")
struct ErrorBudgetTests {
    private func isExceeded(
        _ given: String?,
        tolerated: String = "0",
        by deadLetters: Int,
        of records: Int64,
        isWhole: Bool = true
    ) throws -> Bool {
        let budget = ErrorBudget(
            given: try given.map { try Tolerance(parsing: $0) },
            tolerated: try Tolerance(parsing: tolerated)
        )
        return budget.isExceeded(by: .init(deadLetters: deadLetters, records: records, isWhole: isWhole))
    }

    @Test(
        "Exactly a share is allowed, one more is not",
        arguments: [("0.1%", 1_000, 1), ("0.1%", 10_000_000, 10_000), ("0.1%", 1_999, 1), ("0%", 1_000, 0)]
            as [(
                String, Int64, Int
            )]
    )
    func share(budget: String, records: Int64, allowed: Int) throws {
        #expect(try !isExceeded(budget, by: allowed, of: records))
        #expect(try isExceeded(budget, by: allowed + 1, of: records))
    }

    @Test("A count is a count, however many records there are and while they are staged", arguments: [true, false])
    func count(isWhole: Bool) throws {
        #expect(try !isExceeded("20", by: 20, of: 1_000_000, isWhole: isWhole))
        #expect(try isExceeded("20", by: 21, of: 1_000_000, isWhole: isWhole))
        #expect(try isExceeded("0", by: 1, of: 0, isWhole: isWhole))
    }

    @Test("Unless given it is one per cent, but not before a hundred")
    func standard() throws {
        #expect(try !isExceeded(nil, by: 100, of: 100))
        #expect(try isExceeded(nil, by: 101, of: 100))
        #expect(try isExceeded(nil, by: 101, of: 10_000))
        #expect(try !isExceeded(nil, by: 1_000, of: 100_000))
        #expect(try isExceeded(nil, by: 1_001, of: 100_000))
    }

    @Test("Unless given, what a complete run may have never stops it")
    func tolerated() throws {
        #expect(try !isExceeded(nil, tolerated: "5%", by: 5_000, of: 100_000))
        #expect(try isExceeded(nil, tolerated: "5%", by: 5_001, of: 100_000))
        #expect(try !isExceeded(nil, tolerated: "2000", by: 2_000, of: 100_000))
        #expect(try isExceeded(nil, tolerated: "50", by: 1_001, of: 100_000), "less than one per cent")
    }

    @Test("What is given counts, also where more is tolerated")
    func given() throws {
        #expect(try isExceeded("0.1%", tolerated: "5%", by: 101, of: 100_000))
        #expect(try !isExceeded("0.1%", tolerated: "5%", by: 100, of: 100_000))
    }

    @Test("While results are still being staged, a share is judged from a hundred dead letters on")
    func whileStaging() throws {
        #expect(try !isExceeded("0.1%", by: 100, of: 10, isWhole: false))
        #expect(try isExceeded("0.1%", by: 101, of: 10, isWhole: false))
        #expect(try !isExceeded("0.1%", by: 101, of: 101_000, isWhole: false))
    }
}

@Suite("A run's books say which budget would be exceeded")
struct ErrorBooksTests {
    private let spec: BackfillSpec

    init() throws {
        spec = try SpecText.parse(
            SpecText.complete(
                """
                queries:
                  - {name: a, sql: SELECT 1, key: id, error-budget: 2}
                  - {name: b, sql: SELECT 1, key: id}
                error-budget: 0.1%
                """
            )
        )
    }

    private func books(a: (Int, Int64?), b: (Int, Int64?)) -> ErrorBooks {
        let (first, second) = (QueryID.make(milliseconds: 1, random: 1), QueryID.make(milliseconds: 1, random: 2))
        return ErrorBooks(queries: [
            first: ErrorBooks.Query(name: "a", deadLetters: a.0, records: a.1),
            second: ErrorBooks.Query(name: "b", deadLetters: b.0, records: b.1),
        ])
    }

    @Test("Together they keep to the run's")
    func whole() {
        #expect(books(a: (0, 5_000), b: (10, 5_000)).exceeded(spec) == nil)
        #expect(
            books(a: (1, 5_000), b: (10, 5_000)).exceeded(spec)
                == "11 of 10000 records would be dead letters, where the error budget is 0.1%"
        )
    }

    @Test("Each keeps to its own")
    func own() {
        #expect(books(a: (2, 5_000), b: (0, 5_000)).exceeded(spec) == nil)
        #expect(
            books(a: (3, 5_000), b: (0, 5_000)).exceeded(spec)
                == "query a: 3 of 5000 records would be dead letters, where the error budget is 2"
        )
    }

    @Test("A result that is not staged yet may still bring the share down")
    func notStaged() {
        #expect(books(a: (0, nil), b: (100, 5_000)).exceeded(spec) == nil)
        #expect(books(a: (0, nil), b: (101, 5_000)).exceeded(spec) != nil)
    }

    @Test("Without any of its own, a spec has one per cent, and at least a hundred")
    func standard() throws {
        let plain = try SpecText.parse(SpecText.complete(""))
        var books = books(a: (100, 50), b: (0, 50))
        #expect(books.exceeded(plain) == nil)
        books = self.books(a: (101, 50), b: (0, 50))
        #expect(
            books.exceeded(plain)
                == "101 of 100 records would be dead letters, where the error budget is 1%, and at least 100"
        )
    }
}
