import Foundation
public import SQLConnectors

/// The plan that a run of a spec would have.
public struct RehearsedPlan: Sendable {
    /// The query's name.
    public var query: String
    /// Its result, as staged for the rehearsal.
    public var recordCount: Int64
    /// The buckets.
    public var plan: BucketPlan
    /// What has to be said of how the source will be read, when it is read directly.
    public var remarks: [String] = []
    /// A key that occurs more than once, with the ordinals of its first two records, if that was looked for and found.
    public var duplicateKey: DuplicateKey?
}

/// What a run of a spec would do, found out by doing it without keeping anything: everything but the sinks is real.
///
/// The queries are staged in a temporary folder, which is removed again. A forecast writes samples to the sinks in transactions that are
/// rolled back, and to files that are deleted.
public struct Rehearsal: Sendable {
    /// What is wanted beside the plan.
    public struct Wishes: Sendable {
        /// Look for keys that occur more than once.
        public var duplicateKeys: Bool
        /// Find out how long a run would take.
        public var forecast: Bool
        /// How many messages to show.
        public var messages: Int

        /// Wishes for the plan alone, unless more is said.
        public init(duplicateKeys: Bool = false, forecast: Bool = false, messages: Int = 0) {
            self.duplicateKeys = duplicateKeys
            self.forecast = forecast
            self.messages = messages
        }
    }

    /// The plan of each query, in the spec's order.
    public private(set) var plans: [RehearsedPlan] = []
    /// How long a run would take, if that was asked.
    public private(set) var forecast: Forecast?
    /// Messages spread over the results; as many as were asked for, as far as there are records.
    public private(set) var messages: [SampleMessage] = []

    /// Rehearses a run of a spec that was checked.
    ///
    /// - Throws: what staging throws, and with a forecast what the sinks say of a target that is not as the spec says, or gone.
    public init(of spec: BackfillSpec, _ wishes: Wishes = Wishes()) async throws {
        if spec.stage == .direct {
            if wishes.forecast { throw RunRefused.directForecast }
            try await rehearseDirectly(spec, wishes)
            return
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "backfill-plan-\(UUID().uuidString)")
        try PrivateFile.createFolder(at: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let timing = wishes.forecast ? try SampleTiming(spec) : nil
        do {
            try await rehearse(spec, wishes, timing, in: folder)
        } catch {
            await timing?.close()
            throw error
        }
        await timing?.close()
    }

    /// How many messages of a query to show: what a query has too few records for, those behind it show.
    private func share(of position: Int, _ spec: BackfillSpec, _ wishes: Wishes) -> Int {
        (wishes.messages - messages.count + spec.queries.count - position - 1) / (spec.queries.count - position)
    }

    private mutating func rehearseDirectly(_ spec: BackfillSpec, _ wishes: Wishes) async throws {
        guard let source = try spec.openSource(session: "backfill plan \(spec.name)") as? any DirectSource else {
            return
        }
        for (position, query) in spec.queries.enumerated() {
            let named = try spec.sourceQuery(named: query.name)
            let cut = try await spec.cut(named, at: source)
            let plan = BucketPlan.byKeys(cut)
            var rehearsed = RehearsedPlan(query: query.name, recordCount: cut.recordCount, plan: plan)
            if let key = cut.starts.first { rehearsed.remarks = try await source.remarks(on: named, around: key) }
            plans.append(rehearsed)
            let share = share(of: position, spec, wishes)
            messages += try await SampleMessage.spread(share, over: plan, of: named, at: source)
        }
    }

    private mutating func rehearse(
        _ spec: BackfillSpec,
        _ wishes: Wishes,
        _ timing: SampleTiming?,
        in folder: URL
    ) async throws {
        let source = try spec.openSource(session: "backfill plan \(spec.name)")
        let clock = ContinuousClock()
        var staging = Duration.zero
        var timed: [ForecastModel.Query] = []
        for (position, query) in spec.queries.enumerated() {
            let began = clock.now
            let staged = try await source.stage(
                try spec.sourceQuery(named: query.name),
                as: "\(query.name).sqlite",
                in: folder
            )
            defer { try? FileManager.default.removeItem(at: staged.location(in: folder)) }
            let plan = try await spec.plan(staged, in: folder)
            staging += clock.now - began
            var rehearsed = RehearsedPlan(query: query.name, recordCount: staged.recordCount, plan: plan)
            if wishes.duplicateKeys {
                rehearsed.duplicateKey = try await StagedReader(staged.location(in: folder), schema: staged.schema)
                    .firstDuplicateKey()
            }
            plans.append(rehearsed)
            let share = share(of: position, spec, wishes)
            messages += try await SampleMessage.spread(share, over: staged, plan, of: query.name, in: folder)
            if let timing { timed.append(try await timing.query(query, staged, plan, in: folder)) }
        }
        let buckets = plans.reduce(0) { $0 + $1.plan.buckets.count }
        forecast = timing?.model(of: timed, staging: staging, buckets: buckets).forecast()
            .within(spec.windows, from: Date())
    }
}
