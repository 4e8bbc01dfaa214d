public import Foundation

/// Which attempt of which activity this is.
public struct ActivityInfo: Sendable, Hashable {
    /// The workflow that scheduled the activity.
    public var workflowID: String
    /// The execution that scheduled it.
    public var executionID: String
    /// The first execution of that one's chain; it stays the same across continue-as-new.
    public var firstExecutionID: String
    /// The activity's id within its execution.
    public var activityID: String
    /// The activity's registered name.
    public var activityType: String
    /// The attempt's number, from 1. An attempt that died with its process is not counted.
    public var attempt: Int
    /// When the workflow asked for the activity.
    public var scheduledAt: Date
    /// When this attempt began.
    public var startedAt: Date

    /// Describes an attempt.
    public init(
        workflowID: String,
        executionID: String,
        firstExecutionID: String,
        activityID: String,
        activityType: String,
        attempt: Int,
        scheduledAt: Date,
        startedAt: Date
    ) {
        self.workflowID = workflowID
        self.executionID = executionID
        self.firstExecutionID = firstExecutionID
        self.activityID = activityID
        self.activityType = activityType
        self.attempt = attempt
        self.scheduledAt = scheduledAt
        self.startedAt = startedAt
    }
}

/// What an attempt knows of itself, and its line to the engine.
public struct ActivityContext: Sendable {
    /// Which attempt of which activity this is.
    public let info: ActivityInfo
    private let lastDetails: Payload?
    private let idleness: ActivityIdleness
    private let record: @Sendable (Payload) throws -> Void

    /// A context that an engine hands to an attempt, or that a test makes: `lastDetails` are those of the attempt before, and
    /// `record` takes each heartbeat.
    public init(
        info: ActivityInfo,
        lastDetails: Payload? = nil,
        record: @escaping @Sendable (Payload) throws -> Void = { _ in }
    ) {
        self.init(info: info, lastDetails: lastDetails, idleness: ActivityIdleness(), record: record)
    }

    package init(
        info: ActivityInfo,
        lastDetails: Payload?,
        idleness: ActivityIdleness,
        record: @escaping @Sendable (Payload) throws -> Void
    ) {
        self.info = info
        self.lastDetails = lastDetails
        self.idleness = idleness
        self.record = record
    }

    /// Waits for something that may take long and loses nothing when it is cut short: an engine that shuts down in order cancels the attempt
    /// at once while it is in here, and does not count it.
    public func whileIdle<Result>(_ body: () async throws -> Result) async throws -> Result {
        try idleness.enter()
        defer { idleness.leave() }
        return try await body()
    }

    /// Says that the attempt is alive, and keeps `details` for the attempt after it should this one fail. Throws when they cannot
    /// be encoded or exceed the payload limit.
    public func heartbeat(_ details: some Codable & Sendable) throws { try record(Payload(encoding: details)) }

    /// Says that the attempt is alive; the details given before stand.
    public func heartbeat() throws {
        try record(Payload(json: Data()))
    }

    /// The last details that an earlier attempt gave; none when there were none. Throws `DecodingError` when they do not fit.
    public func heartbeatDetails<Details: Codable & Sendable>(as type: Details.Type) throws -> Details? {
        try lastDetails?.decode(as: type)
    }
}
