import Foundation
import Testing

@testable import BackfillKit

@Suite("A forecast takes as long as the narrowest of sinks, executors, batches and paces")
struct ForecastTests {
    private static let free = ForecastModel.Costs(perRecord: 0, perBatch: 0, betweenBatches: 0, perRun: 0)

    private func query(_ records: Int64, lane: String? = nil, bytes: Double = 0, _ times: [String: Double] = [:])
        -> ForecastModel.Query
    {
        ForecastModel.Query(
            records: records,
            bytes: bytes,
            lane: lane,
            batchRecords: 100,
            secondsPerRecord: times
        )
    }

    private func model(
        _ queries: [ForecastModel.Query],
        executors: Int = 8,
        buckets: Int = 8,
        pace: Pace = .unlimited,
        lanes: [String: Pace] = [:],
        costs: ForecastModel.Costs = free
    ) -> ForecastModel {
        ForecastModel(
            stagingSeconds: 5,
            queries: queries,
            buckets: buckets,
            executors: executors,
            pace: pace,
            lanes: lanes,
            costs: costs
        )
    }

    @Test("Sinks work at the same time, so the slowest decides; queries add up; staging comes on top")
    func slowestSink() {
        let forecast = model([
            query(10_000, ["a": 0.001, "b": 0.002]), query(5_000, ["a": 0.001, "b": 0.002]),
        ]).forecast()
        #expect(forecast.records == 15_000)
        #expect(abs(forecast.publishingSeconds - 30) < 1e-9)
        #expect(forecast.limit == .sink("b"))
        #expect(abs(forecast.workingSeconds - 35) < 1e-9)
        #expect(forecast.seconds == forecast.workingSeconds)
    }

    @Test("Several writers are faster than one, but not as fast as their number")
    func writers() {
        var model = model([query(10_000, ["table": 0.01])])
        let alone = model.forecast().publishingSeconds
        model.writers = ["table": 2]
        let both = model.forecast().publishingSeconds
        #expect(both < alone && both > alone / 2)
    }

    @Test("It is never shorter than a pace allows: of the run, of a lane, by records and by bytes")
    func paces() {
        let quick = query(10_000, lane: "heavy", bytes: 1_000_000, ["a": 1e-6])
        let other = query(10_000, bytes: 1_000_000, ["a": 1e-6])
        let byRecords = model([quick, other], pace: Pace(records: 100)).forecast()
        #expect(byRecords.publishingSeconds == 200)
        #expect(byRecords.limit == .pace(Pace(records: 100), lane: nil))
        let byBytes = model([quick, other], pace: Pace(records: 1_000, bytes: 10_000)).forecast()
        #expect(byBytes.publishingSeconds == 200)
        let byLane = model([quick, other], lanes: ["heavy": Pace(records: 50)]).forecast()
        #expect(byLane.publishingSeconds == 200)
        #expect(byLane.limit == .pace(Pace(records: 50), lane: "heavy"))
    }

    @Test("A single executor waits for each batch; more of them than buckets are no help")
    func executors() {
        var costs = Self.free
        costs.betweenBatches = 0.9
        let work = [query(1_000, ["a": 0.001])]
        let one = model(work, executors: 1, costs: costs).forecast()
        #expect(abs(one.publishingSeconds - 10) < 1e-9)
        #expect(one.limit == .executors(1))
        #expect(abs(model(work, executors: 8, buckets: 2, costs: costs).forecast().publishingSeconds - 5) < 1e-9)
    }

    @Test("Small batches cost more than large ones, and say so")
    func batches() {
        var costs = Self.free
        costs.perBatch = 0.5
        let forecast = model([query(1_001, ["a": 1e-6])], costs: costs).forecast()
        #expect(forecast.publishingSeconds >= 11 * 0.5)
        #expect(forecast.limit == .batches)
    }

    @Test("Without records there is nothing to wait for")
    func nothing() {
        let forecast = model([query(0)], pace: Pace(records: 1)).forecast()
        #expect(forecast.publishingSeconds == 0)
        #expect(forecast.limit == nil)
    }

    @Test("A limit is exceeded by what is longer, and by nothing else")
    func limits() {
        let forecast = model([query(1_000, ["a": 0.001])]).forecast()
        #expect(forecast.seconds == 6)
        #expect(forecast.exceeds(.seconds(5)))
        #expect(!forecast.exceeds(.seconds(6)))
    }
}

@Suite("With time windows the hours in which they are shut count too")
struct WindowedForecastTests {
    private static let midnight = Date(timeIntervalSince1970: 1_700_006_400)

    private func window(_ opens: Int, _ closes: Int, days: Set<TimeWindow.Day> = Set(TimeWindow.Day.allCases)) throws
        -> TimeWindow
    {
        TimeWindow(
            opensAt: opens * 60,
            closesAt: closes * 60,
            zone: try #require(TimeZone(identifier: "UTC")),
            days: days
        )
    }

    private func hours(_ work: Double, _ windows: [TimeWindow], from start: Date = midnight) -> Double {
        TimeWindow.end(ofWork: work * 3600, in: windows, from: start).timeIntervalSince(start) / 3600
    }

    @Test("Work goes on in each opening until it is done")
    func openings() throws {
        let night = try window(22, 6)
        #expect(hours(5, []) == 5)
        #expect(hours(5, [night]) == 5)
        #expect(hours(6, [night]) == 6)
        #expect(hours(7, [night]) == 23)
        #expect(hours(15, [night]) == 47)
        #expect(hours(1, [night], from: Self.midnight + 12 * 3600) == 11)
        #expect(hours(3, [try window(1, 2), try window(4, 5)]) == 26)
    }

    @Test("What would take for ever ends somewhere")
    func forEver() throws {
        let hour = try window(1, 2, days: [.mon])
        #expect(hours(1_000_000, [hour]) > 87_000)
    }

    @Test("A forecast without windows stays as it is, one with them counts from start to end")
    func forecast() throws {
        let plain = Forecast(records: 1, stagingSeconds: 3600, publishingSeconds: 6 * 3600, leftOut: [])
        #expect(plain.within([], from: Self.midnight) == plain)
        let windowed = plain.within([try window(22, 6)], from: Self.midnight)
        #expect(windowed.workingSeconds == 7 * 3600)
        #expect(windowed.seconds == 23 * 3600)
        #expect(windowed.exceeds(.seconds(8 * 3600)))
    }
}
