import Foundation
import Testing

@testable import BackfillKit

@Suite("What a spec says of paces, probes, windows and budgets is read with everything it says")
struct FlowSpecTests {
    private func parse(_ lines: String) throws -> BackfillSpec { try SpecText.parse(SpecText.complete(lines)) }

    @Test("Unless given, nothing limits the flow")
    func defaults() throws {
        let spec = try parse("")
        #expect(spec.pace.isUnlimited && spec.probes.isEmpty && spec.windows.isEmpty)
        #expect(spec.errorBudget == nil && spec.queries[0].errorBudget == nil && spec.batch.target == nil)
        #expect(spec.stepRetries.isEmpty)
    }

    @Test(
        "Rates are in seconds, whichever time they are written in",
        arguments: [
            ("2000/s", Pace(records: 2_000)), ("90/m", Pace(records: 1.5)), ("7200/h", Pace(records: 2)),
            ("2_000 / S", Pace(records: 2_000)), ("{records: 60/m}", Pace(records: 1)),
            ("{bytes: 10 MiB/s}", Pace(bytes: 10_485_760)),
            ("{bytes: 6KB/m, records: 5/s}", Pace(records: 5, bytes: 100)),
        ]
    )
    func pace(text: String, pace: Pace) throws {
        #expect(try parse("pace: \(text)").pace == pace)
        #expect(try parse("lanes: {a: {pace: \(text)}}").lanes == ["a": LaneSpec(queries: nil, pace: pace)])
    }

    @Test("A lane is a number of queries, a pace, or both")
    func lanes() throws {
        let spec = try parse("lanes: {a: 3, b: {queries: 2}, c: {queries: 1, pace: {records: 5/s}}}")
        #expect(
            spec.lanes == [
                "a": LaneSpec(queries: 3), "b": LaneSpec(queries: 2), "c": LaneSpec(queries: 1, pace: Pace(records: 5)),
            ]
        )
    }

    @Test("A batch with a target begins at records, between min and max")
    func batch() throws {
        let given = try parse("batch: {records: 500, bytes: 1 MiB, target: 250ms, min: 5, max: 800}").batch
        #expect(given.records == 500 && given.byteCount == 1_048_576 && given.mostRecords == 800)
        #expect(given.target == BatchTarget(duration: .milliseconds(250), minimum: 5, maximum: 800))
        let short = try parse("batch: {target: 1s}").batch
        #expect(
            short.records == 1_000 && short.target == BatchTarget(duration: .seconds(1), minimum: 10, maximum: 20_000)
        )
    }

    @Test("Windows: one or several, with days and the dash that an editor makes of a hyphen")
    func windows() throws {
        let one = try parse("window: {between: 22:00-06:00, zone: Europe/Berlin}").windows
        let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
        #expect(
            one == [
                TimeWindow(opensAt: 22 * 60, closesAt: 6 * 60, zone: berlin, days: Set(TimeWindow.Day.allCases))
            ]
        )
        #expect(one[0].description == "22:00-06:00 Europe/Berlin")
        let several = try parse(
            """
            window:
              - {between: "9:05 – 24:00", zone: UTC, days: [sat, sun]}
              - {between: "00:00-00:30", zone: UTC, days: [mon]}
            """
        ).windows
        #expect(several.map(\.opensAt) == [545, 0] && several.map(\.closesAt) == [1_440, 30])
        #expect(several.map(\.days) == [[.sat, .sun], [.mon]])
    }

    @Test("Probes of every kind, with names that differ")
    func probes() throws {
        let probes = try parse(
            """
            source: postgresql://host/db
            probes:
              - {sql: "SELECT calm FROM flag", on: "sqlite:/data/flag.sqlite"}
              - {sql: SELECT 1, on: source, name: reachable, every: 1s, timeout: 250ms}
              - {sql: SELECT 2, on: source}
              - {http: "https://host/ready?token=${TOKEN}"}
              - {replication-lag: 5s, on: source}
              - {active-connections: 0, on: source}
              - {long-transactions: 10m, on: source}
            """
            .replacing("${TOKEN}", with: "s3cret")
        ).probes
        #expect(
            probes.map(\.name) == [
                "sql", "reachable", "sql-2", "http", "replication-lag", "active-connections", "long-transactions",
            ]
        )
        #expect(probes.map(\.every) == [5, 1, 5, 5, 5, 5, 5].map { .seconds($0) })
        #expect(probes[1].timeout == .milliseconds(250) && probes[0].timeout == .seconds(5))
        guard case .sql(let sql, let database) = probes[0].question, case .http(let url) = probes[3].question else {
            Issue.record("\(probes)")
            return
        }
        #expect(sql.text == "SELECT calm FROM flag")
        #expect(database.place == .sqlite(file: URL(fileURLWithPath: "/data/flag.sqlite")))
        #expect(url.secret == "https://host/ready?token=s3cret" && url.description == "https://host/ready?…")
        let source = try #require(try? SpecText.parse(SpecText.complete("source: postgresql://host/db")).source)
        #expect(probes[4].question == .replicationLag(.seconds(5), on: source))
        #expect(probes[5].question == .activeConnections(0, on: source))
        #expect(probes[6].question == .longTransactions(.seconds(600), on: source))
    }

    @Test("A probe on the target asks the sinks' database")
    func target() throws {
        let probes = try parse(
            """
            sinks: [{table: {database: sqlite:t.sqlite, name: t}}]
            probes: [{sql: SELECT 1, on: target}]
            """
        ).probes
        guard case .sql(_, let database) = probes.first?.question else {
            Issue.record("\(probes)")
            return
        }
        #expect(database.place == .sqlite(file: URL(fileURLWithPath: "/nowhere/t.sqlite")))
    }

    @Test("Budgets of the run and of a query; jitter and steps of retries")
    func budgets() throws {
        let spec = try parse(
            """
            queries: [{name: a, sql: SELECT 1, key: id, error-budget: 20}]
            error-budget: 0.1%
            retry: {jitter: 0, stage: {maximum-attempts: 2}, rules: [{cause: x, action: retry, jitter: 1}]}
            """
        )
        #expect(spec.errorBudget?.description == "0.1%" && spec.queries[0].errorBudget?.description == "20")
        #expect(spec.retry.jitter == 0)
        #expect(spec.retry.rules.first?.action == .retry(RetrySpecOverrides(jitter: 1)))
        var stage = RetrySpec.standardOfSteps
        stage.maximumAttempts = 2
        #expect(spec.stepRetries == [.stage: stage])
    }
}
