public import Workflows

/// What people have asked of a run since it began; kept with the run, so that it survives restarts.
public struct RunControl: Codable, Hashable, Sendable {
    /// Who asked, and when.
    public struct Request: Codable, Hashable, Sendable {
        /// Whoever typed the command, such as `anna@host`.
        public var by: String
        /// Milliseconds since 1970.
        public var at: Int64

        /// Says who asked, and when.
        public init(by: String, at: Int64) {
            self.by = by
            self.at = at
        }
    }

    /// Set while the run is paused.
    public var paused: Request?
    /// Set once the run was cancelled.
    public var cancelled: Request?
    /// Why the run was stopped, by itself or for what is to come, since it was last carried on; nil when it was not.
    public var stopped: String?
    /// Records a second, instead of the spec's `pace`; 0 sets no limit.
    public var records: Double?
    /// Bytes a second, instead of the spec's `pace`; 0 sets no limit.
    public var bytes: Double?
    /// At most so many batches are published at once; more than the spec's `executors` starts more of them.
    public var concurrency: Int?
    /// Records of a batch, instead of the spec's `batch`.
    public var batch: Int?

    /// Nothing was asked.
    public init() {}

    /// Takes a command in.
    mutating func apply(_ command: ControlCommand) {
        switch command.verb {
        case .pause:
            paused = paused ?? command.request
        case .resume:
            paused = nil
        case .cancel:
            cancelled = cancelled ?? command.request
        case .stop(let reason):
            stopped = stopped ?? reason
        case .throttle(let throttle):
            if throttle.isReset { (records, bytes, concurrency, batch) = (nil, nil, nil, nil) }
            records = throttle.records ?? records
            bytes = throttle.bytes ?? bytes
            concurrency = throttle.concurrency ?? concurrency
            batch = throttle.batch ?? batch
        }
    }

    /// The limits that hold: the spec's, with what was asked since.
    func settings(for spec: BackfillSpec) -> FlowSettings {
        FlowSettings(pace: pace(for: spec), lanes: spec.lanes.mapValues(\.pace), concurrency: concurrency)
    }

    private func pace(for spec: BackfillSpec) -> Pace {
        func limit(_ asked: Double?, _ own: Double?) -> Double? { asked.map { $0 > 0 ? $0 : nil } ?? own }
        return Pace(records: limit(records, spec.pace.records), bytes: limit(bytes, spec.pace.bytes))
    }

    /// Whether nothing more of the run is to be started in this pass.
    var isEnding: Bool { cancelled != nil || stopped != nil }

    /// How many executors may be open at once.
    func executors(for spec: BackfillSpec) -> Int { max(spec.executors, concurrency ?? 0) }
}

/// A command to a run at work, as its workflow gets it.
public struct ControlCommand: Codable, Hashable, Sendable {
    /// What is asked.
    public enum Verb: Codable, Hashable, Sendable {
        /// Publish nothing until `resume`.
        case pause
        /// Go on.
        case resume
        /// Settle what is in flight, and end for good.
        case cancel
        /// Settle what is in flight, and end this pass, for the reason that is given.
        case stop(String)
        /// Other limits than the spec's.
        case throttle(Throttle)
    }

    /// What is asked.
    public var verb: Verb
    /// Who asked, and when.
    public var request: RunControl.Request

    /// The signal that carries commands to the orchestrator.
    static let signal = SignalName<ControlCommand>("control")

    /// Reads a command out of a signal's event; nil when it is another signal.
    public init?(signal name: String, _ input: Payload) {
        guard name == Self.signal.name, let command = try? input.decode(as: ControlCommand.self) else { return nil }
        self = command
    }

    /// Puts a command together.
    public init(_ verb: Verb, _ request: RunControl.Request) {
        self.verb = verb
        self.request = request
    }
}

/// New limits; what is not given stays as it is.
public struct Throttle: Codable, Hashable, Sendable, CustomStringConvertible {
    /// Goes back to the spec's limits first.
    public var isReset: Bool
    /// Records a second; 0 takes the limit off.
    public var records: Double?
    /// Bytes a second; 0 takes the limit off.
    public var bytes: Double?
    /// Batches published at once.
    public var concurrency: Int?
    /// Records of a batch.
    public var batch: Int?

    /// Names the new limits.
    public init(
        isReset: Bool = false,
        records: Double? = nil,
        bytes: Double? = nil,
        concurrency: Int? = nil,
        batch: Int? = nil
    ) {
        self.isReset = isReset
        self.records = records
        self.bytes = bytes
        self.concurrency = concurrency
        self.batch = batch
    }

    /// Such as `200 records/s, concurrency 2`.
    public var description: String {
        let parts = [
            isReset ? "back to the spec's limits" : nil,
            records.map { $0 > 0 ? "\(Pace(records: $0))" : "no limit of records/s" },
            bytes.map { $0 > 0 ? "\(Pace(bytes: $0))" : "no limit of bytes/s" },
            concurrency.map { "concurrency \($0)" },
            batch.map { "batch \($0)" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }
}

extension ControlCommand.Verb: CustomStringConvertible {
    /// What it does, for the person who asked.
    public var description: String {
        switch self {
        case .pause: "paused"
        case .resume: "going on"
        case .cancel: "cancelled"
        case .stop(let reason): "stopped: \(reason)"
        case .throttle(let throttle): throttle.isReset ? "\(throttle)" : "throttled to \(throttle)"
        }
    }
}
