import Testing

@testable import BackfillKit

@Suite("What somebody traces is told apart by its shape")
struct TraceTargetTests {
    @Test("Correlation ids, ids of sixteen characters, and keys")
    func shapes() {
        let id = CorrelationID(
            queryID: QueryID(rawValue: "01m7dqwy00aaaaaa"),
            executionID: "01m7dqwy01bbbbbb",
            recordID: "a b"
        )
        #expect(TraceTarget.parse(id.description) == .correlation(id))
        #expect(TraceTarget.parse("01m7dqwy00aaaaaa") == .queryOrExecution("01m7dqwy00aaaaaa"))
        #expect(TraceTarget.parse("4711") == .record("4711"))
        #expect(TraceTarget.parse("etl-4711") == .record("etl-4711"))
        #expect(TraceTarget.parse("etl-a-b-%41") == .record("etl-a-b-%41"))
        #expect(TraceTarget.parse("") == .record(""))
    }
}
