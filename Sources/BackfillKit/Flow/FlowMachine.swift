import DequeModule

/// Decides which batches may be published now, and how much of each. Pure: settings and instants go in, decisions come out.
///
/// States: *open* (batches pass as paces and concurrency allow), *held* (paused, or a probe says no: everybody waits), *closed* (the time
/// window is shut, or the run is being stopped: everybody is turned away and comes back in another execution).
struct FlowMachine: Sendable {
    /// A batch that wants to be published.
    struct Request: Sendable {
        var id: Int
        var lane: String?
        var records: Int
        var bytes: Int
    }

    enum Decision: Hashable, Sendable {
        /// Publish the first so many records of the batch.
        case pass(Int, records: Int)
        case turnAway(Int, TurnedAway)
    }

    private var settings: FlowSettings
    private var runMeter = PaceMeter()
    private var laneMeters: [String: PaceMeter] = [:]
    /// What keeps everybody waiting, by whom or what.
    private var holds: [WaitReason] = []
    private var closure: TurnedAway?
    private var waiting: Deque<Request> = []
    private var publishing = 0

    init(settings: FlowSettings, at now: Duration) {
        self.settings = settings
        _ = change(to: settings, at: now)
    }

    /// The most records that a batch of a lane is worth reading.
    func portion(of records: Int, lane: String?) -> Int {
        min(
            runMeter.portion(ofRecords: records, bytes: 0),
            lane.flatMap { laneMeters[$0] }?.portion(ofRecords: records, bytes: 0) ?? records
        )
    }

    /// Why batches wait just now; nil while they do not.
    func reason(at now: Duration) -> WaitReason? {
        if case .window = closure { return nil }
        if let hold = holds.first { return hold }
        guard let first = waiting.first else { return nil }
        if let limit = settings.concurrency, !hasRoom { return .concurrency(limit) }
        if !runMeter.isOpen(at: now) { return .pace(settings.pace, lane: nil) }
        guard let lane = first.lane, let meter = laneMeters[lane], !meter.isOpen(at: now) else { return nil }
        return .pace(settings.lanes[lane] ?? .unlimited, lane: lane)
    }

    /// When a waiting batch may pass if nothing else happens. May lie in the past: whoever is to wake them is late, and still has to come.
    func opensAt(after now: Duration) -> Duration? {
        guard !waiting.isEmpty, holds.isEmpty, closure == nil, hasRoom else { return nil }
        let run = runMeter.opensAt
        return waiting.lazy.map { request in
            let lane = request.lane.flatMap { laneMeters[$0]?.opensAt }
            return [run, lane].compactMap { $0 }.max() ?? now
        }.min()
    }

    private var hasRoom: Bool { settings.ownConcurrency.map { publishing < $0 } ?? true }

    // MARK: Events

    mutating func request(_ request: Request, at now: Duration) -> [Decision] {
        if let closure { return [.turnAway(request.id, closure)] }
        waiting.append(request)
        return pass(at: now)
    }

    /// A batch that had passed is settled, or failed.
    mutating func leave(at now: Duration) -> [Decision] {
        publishing -= 1
        return pass(at: now)
    }

    /// Whoever asked does not want to wait any longer.
    mutating func withdraw(_ id: Int) { waiting.removeAll { $0.id == id } }

    /// Time has passed.
    mutating func wake(at now: Duration) -> [Decision] { pass(at: now) }

    mutating func change(to settings: FlowSettings, at now: Duration) -> [Decision] {
        self.settings = settings
        runMeter.change(to: settings.own(settings.pace), at: now)
        for (lane, pace) in settings.lanes where !pace.isUnlimited {
            laneMeters[lane, default: PaceMeter()].change(to: settings.own(pace), at: now)
        }
        laneMeters = laneMeters.filter { settings.lanes[$0.key]?.isUnlimited == false }
        return pass(at: now)
    }

    mutating func hold(_ reasons: [WaitReason], at now: Duration) -> [Decision] {
        holds = reasons
        return pass(at: now)
    }

    /// Turns everybody away until it is opened again.
    mutating func close(_ why: TurnedAway) -> [Decision] {
        closure = why
        defer { waiting = [] }
        return waiting.map { .turnAway($0.id, why) }
    }

    mutating func open(at now: Duration) -> [Decision] {
        closure = nil
        return pass(at: now)
    }

    /// First come, first served; a lane whose pace is used up holds up only its own.
    private mutating func pass(at now: Duration) -> [Decision] {
        guard !waiting.isEmpty, holds.isEmpty, closure == nil else { return [] }
        var decisions: [Decision] = []
        var kept: Deque<Request> = []
        while hasRoom, runMeter.isOpen(at: now), let request = waiting.popFirst() {
            let lane = request.lane.flatMap { laneMeters[$0] }
            guard lane?.isOpen(at: now) ?? true else {
                kept.append(request)
                continue
            }
            var records = runMeter.portion(ofRecords: request.records, bytes: request.bytes)
            if let lane { records = min(records, lane.portion(ofRecords: request.records, bytes: request.bytes)) }
            records = min(records, request.records)
            let bytes = Double(request.bytes) * Double(records) / Double(max(1, request.records))
            runMeter.pass(records: records, bytes: bytes, at: now)
            if let name = request.lane { laneMeters[name]?.pass(records: records, bytes: bytes, at: now) }
            publishing += 1
            decisions.append(.pass(request.id, records: records))
        }
        waiting = kept + waiting
        return decisions
    }
}
