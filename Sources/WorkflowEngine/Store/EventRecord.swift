import Foundation
package import Workflows

/// An event as a row: Temporal's name, the payload as it is, and the other attributes as a small JSON object.
package struct EventRow: Sendable, Hashable {
    package var type: String
    package var attributes: String
    package var payload: String?

    package init(type: String, attributes: String, payload: String?) {
        self.type = type
        self.attributes = attributes
        self.payload = payload
    }
}

/// The attributes of all kinds of events in one flat object; each kind has some of them.
private struct Fields: Codable {
    var started: WorkflowExecutionStarted?
    var name: String?
    var reason: String?
    var scheduledEventID: Int?
    var startedEventID: Int?
    var initiatedEventID: Int?
    var attempt: Int?
    var failure: FailureInfo?
    var retryState: RetryState?
    var activityID: String?
    var activityType: String?
    var activityOptions: ActivityOptions?
    var timerID: String?
    var seconds: Double?
    var workflowID: String?
    var workflowType: String?
    var childOptions: ChildWorkflowOptions?
    var executionID: String?
}

/// A stored event does not read as one.
package struct EventUnreadable: Error, CustomStringConvertible {
    package var description: String
}

extension EventRow {
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    package init(_ attributes: HistoryEvent.Attributes) throws {
        var fields = Fields()
        var payload: Payload?
        switch attributes {
        case .workflowExecutionStarted(let started): fields.started = started
        case .workflowExecutionSignaled(let name, let input):
            fields.name = name
            payload = input
        case .workflowExecutionCancelRequested(let reason), .workflowExecutionTerminated(let reason):
            fields.reason = reason
        case .workflowTaskCompleted:
            // The most frequent event has nothing to say beyond its time.
            self.init(type: attributes.type, attributes: "{}", payload: nil)
            return
        case .activityTaskScheduled(let scheduled):
            fields.activityID = scheduled.activityID
            fields.activityType = scheduled.activityType
            fields.activityOptions = scheduled.options
            payload = scheduled.input
        case .activityTaskStarted(let scheduled, let attempt, let failure):
            fields.scheduledEventID = scheduled
            fields.attempt = attempt
            fields.failure = failure
        case .activityTaskCompleted(let scheduled, let started, let result):
            fields.scheduledEventID = scheduled
            fields.startedEventID = started
            payload = result
        case .activityTaskFailed(let scheduled, let started, let failure, let state),
            .activityTaskTimedOut(let scheduled, let started, let failure, let state):
            fields.scheduledEventID = scheduled
            fields.startedEventID = started
            fields.failure = failure
            fields.retryState = state
        case .activityTaskCancelRequested(let scheduled): fields.scheduledEventID = scheduled
        case .activityTaskCanceled(let scheduled, let started, let reason):
            fields.scheduledEventID = scheduled
            fields.startedEventID = started
            fields.reason = reason
        case .timerStarted(let timerID, let duration):
            fields.timerID = timerID
            fields.seconds = duration.inSeconds
        case .timerFired(let timerID, let started), .timerCanceled(let timerID, let started):
            fields.timerID = timerID
            fields.startedEventID = started
        case .startChildWorkflowExecutionInitiated(let initiated):
            fields.workflowID = initiated.workflowID
            fields.workflowType = initiated.workflowType
            fields.childOptions = initiated.options
            payload = initiated.input
        case .startChildWorkflowExecutionFailed(let initiated, let failure):
            fields.initiatedEventID = initiated
            fields.failure = failure
        case .childWorkflowExecutionStarted(let initiated, let executionID):
            fields.initiatedEventID = initiated
            fields.executionID = executionID
        case .childWorkflowExecutionCompleted(let initiated, let executionID, let result):
            fields.initiatedEventID = initiated
            fields.executionID = executionID
            payload = result
        case .childWorkflowExecutionFailed(let initiated, let executionID, let failure),
            .childWorkflowExecutionCanceled(let initiated, let executionID, let failure),
            .childWorkflowExecutionTerminated(let initiated, let executionID, let failure):
            fields.initiatedEventID = initiated
            fields.executionID = executionID
            fields.failure = failure
        case .requestCancelExternalWorkflowExecutionInitiated(let workflowID, let initiated):
            fields.workflowID = workflowID
            fields.initiatedEventID = initiated
        case .workflowExecutionCompleted(let result): payload = result
        case .workflowExecutionFailed(let failure), .workflowExecutionCanceled(let failure): fields.failure = failure
        case .workflowExecutionContinuedAsNew(let executionID, let input):
            fields.executionID = executionID
            payload = input
        }
        let text = String(decoding: try Self.encoder.encode(fields), as: UTF8.self)
        self.init(type: attributes.type, attributes: text, payload: payload?.text)
    }

    package func decoded() throws -> HistoryEvent.Attributes {
        if type == "WorkflowTaskCompleted" { return .workflowTaskCompleted }
        let fields = try Self.decoder.decode(Fields.self, from: Data(attributes.utf8))
        func need<Value>(_ value: Value?, _ name: String) throws -> Value {
            guard let value else { throw EventUnreadable(description: "A stored \(type) lacks \(name).") }
            return value
        }
        func payload() throws -> Payload { Payload(json: try need(self.payload, "its payload")) }
        func scheduled() throws -> Int { try need(fields.scheduledEventID, "scheduledEventID") }
        func started() throws -> Int { try need(fields.startedEventID, "startedEventID") }
        func initiated() throws -> Int { try need(fields.initiatedEventID, "initiatedEventID") }
        func failure() throws -> FailureInfo { try need(fields.failure, "failure") }
        func execution() throws -> String { try need(fields.executionID, "executionID") }
        switch type {
        case "WorkflowExecutionStarted": return .workflowExecutionStarted(try need(fields.started, "started"))
        case "WorkflowExecutionSignaled":
            return .workflowExecutionSignaled(signalName: try need(fields.name, "name"), input: try payload())
        case "WorkflowExecutionCancelRequested":
            return .workflowExecutionCancelRequested(reason: try need(fields.reason, "reason"))
        case "WorkflowExecutionTerminated":
            return .workflowExecutionTerminated(reason: try need(fields.reason, "reason"))
        case "ActivityTaskScheduled":
            return .activityTaskScheduled(
                ActivityTaskScheduled(
                    activityID: try need(fields.activityID, "activityID"),
                    activityType: try need(fields.activityType, "activityType"),
                    input: try payload(),
                    options: try need(fields.activityOptions, "activityOptions")
                )
            )
        case "ActivityTaskStarted":
            return .activityTaskStarted(
                scheduledEventID: try scheduled(),
                attempt: try need(fields.attempt, "attempt"),
                lastFailure: fields.failure
            )
        case "ActivityTaskCompleted":
            return .activityTaskCompleted(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                result: try payload()
            )
        case "ActivityTaskFailed":
            return .activityTaskFailed(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                failure: try failure(),
                retryState: try need(fields.retryState, "retryState")
            )
        case "ActivityTaskTimedOut":
            return .activityTaskTimedOut(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                failure: try failure(),
                retryState: try need(fields.retryState, "retryState")
            )
        case "ActivityTaskCancelRequested": return .activityTaskCancelRequested(scheduledEventID: try scheduled())
        case "ActivityTaskCanceled":
            return .activityTaskCanceled(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                reason: try need(fields.reason, "reason")
            )
        case "TimerStarted":
            return .timerStarted(
                timerID: try need(fields.timerID, "timerID"),
                startToFire: try need(fields.seconds.flatMap { Duration(storedSeconds: $0) }, "seconds")
            )
        case "TimerFired":
            return .timerFired(timerID: try need(fields.timerID, "timerID"), startedEventID: try started())
        case "TimerCanceled":
            return .timerCanceled(timerID: try need(fields.timerID, "timerID"), startedEventID: try started())
        case "StartChildWorkflowExecutionInitiated":
            return .startChildWorkflowExecutionInitiated(
                StartChildWorkflowExecutionInitiated(
                    workflowID: try need(fields.workflowID, "workflowID"),
                    workflowType: try need(fields.workflowType, "workflowType"),
                    input: try payload(),
                    options: try need(fields.childOptions, "childOptions")
                )
            )
        case "StartChildWorkflowExecutionFailed":
            return .startChildWorkflowExecutionFailed(initiatedEventID: try initiated(), failure: try failure())
        case "ChildWorkflowExecutionStarted":
            return .childWorkflowExecutionStarted(initiatedEventID: try initiated(), executionID: try execution())
        case "ChildWorkflowExecutionCompleted":
            return .childWorkflowExecutionCompleted(
                initiatedEventID: try initiated(),
                executionID: try execution(),
                result: try payload()
            )
        case "ChildWorkflowExecutionFailed":
            return .childWorkflowExecutionFailed(
                initiatedEventID: try initiated(),
                executionID: try execution(),
                failure: try failure()
            )
        case "ChildWorkflowExecutionCanceled":
            return .childWorkflowExecutionCanceled(
                initiatedEventID: try initiated(),
                executionID: try execution(),
                failure: try failure()
            )
        case "ChildWorkflowExecutionTerminated":
            return .childWorkflowExecutionTerminated(
                initiatedEventID: try initiated(),
                executionID: try execution(),
                failure: try failure()
            )
        case "RequestCancelExternalWorkflowExecutionInitiated":
            return .requestCancelExternalWorkflowExecutionInitiated(
                workflowID: try need(fields.workflowID, "workflowID"),
                childInitiatedEventID: try initiated()
            )
        case "WorkflowExecutionCompleted": return .workflowExecutionCompleted(result: try payload())
        case "WorkflowExecutionFailed": return .workflowExecutionFailed(failure: try failure())
        case "WorkflowExecutionCanceled": return .workflowExecutionCanceled(failure: try failure())
        case "WorkflowExecutionContinuedAsNew":
            return .workflowExecutionContinuedAsNew(newExecutionID: try execution(), input: try payload())
        default: throw EventUnreadable(description: "\(type) is no event that this version knows.")
        }
    }
}
