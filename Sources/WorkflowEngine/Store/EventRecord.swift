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

/// A stored event does not read as one.
package struct EventUnreadable: Error, CustomStringConvertible {
    package var description: String
}

extension EventRow {
    package init(_ attributes: HistoryEvent.Attributes) throws {
        var bytes: [UInt8] = []
        let payload = try Self.write(attributes, to: &bytes)
        self.init(
            type: attributes.type,
            attributes: String(decoding: bytes, as: UTF8.self),
            payload: payload?.text
        )
    }

    /// Writes all but the payload as a JSON object.
    ///
    /// - Returns: the payload, if such an event has one.
    static func write(_ attributes: HistoryEvent.Attributes, to bytes: inout [UInt8]) throws -> Payload? {
        var fields = FieldWriter(atEndOf: &bytes)
        var payload: Payload?
        switch attributes {
        case .workflowExecutionStarted(let started): try fields.add("started", encoding: started)
        case .workflowExecutionSignaled(let name, let input):
            try fields.add("name", name)
            payload = input
        case .workflowExecutionCancelRequested(let reason), .workflowExecutionTerminated(let reason):
            try fields.add("reason", reason)
        case .workflowTaskCompleted: break
        case .activityTaskScheduled(let scheduled):
            try fields.add("activityID", scheduled.activityID)
            fields.add("activityOptions", json: try StoredOptions.text(scheduled.options))
            try fields.add("activityType", scheduled.activityType)
            payload = scheduled.input
        case .activityTaskStarted(let scheduled, let attempt, let failure):
            fields.add("attempt", attempt)
            if let failure { try fields.add("failure", encoding: failure) }
            fields.add("scheduledEventID", scheduled)
        case .activityTaskCompleted(let scheduled, let started, let result):
            fields.add("scheduledEventID", scheduled)
            fields.add("startedEventID", started)
            payload = result
        case .activityTaskFailed(let scheduled, let started, let failure, let state),
            .activityTaskTimedOut(let scheduled, let started, let failure, let state):
            try fields.add("failure", encoding: failure)
            try fields.add("retryState", state.rawValue)
            fields.add("scheduledEventID", scheduled)
            fields.add("startedEventID", started)
        case .activityTaskCancelRequested(let scheduled): fields.add("scheduledEventID", scheduled)
        case .activityTaskCanceled(let scheduled, let started, let reason):
            try fields.add("reason", reason)
            fields.add("scheduledEventID", scheduled)
            fields.add("startedEventID", started)
        case .timerStarted(let timerID, let duration):
            try fields.add("seconds", encoding: duration.inSeconds)
            try fields.add("timerID", timerID)
        case .timerFired(let timerID, let started), .timerCanceled(let timerID, let started):
            fields.add("startedEventID", started)
            try fields.add("timerID", timerID)
        case .startChildWorkflowExecutionInitiated(let initiated):
            try fields.add("childOptions", encoding: initiated.options)
            try fields.add("workflowID", initiated.workflowID)
            try fields.add("workflowType", initiated.workflowType)
            payload = initiated.input
        case .startChildWorkflowExecutionFailed(let initiated, let failure):
            try fields.add("failure", encoding: failure)
            fields.add("initiatedEventID", initiated)
        case .childWorkflowExecutionStarted(let initiated, let executionID):
            try fields.add("executionID", executionID)
            fields.add("initiatedEventID", initiated)
        case .childWorkflowExecutionCompleted(let initiated, let executionID, let result):
            try fields.add("executionID", executionID)
            fields.add("initiatedEventID", initiated)
            payload = result
        case .childWorkflowExecutionFailed(let initiated, let executionID, let failure),
            .childWorkflowExecutionCanceled(let initiated, let executionID, let failure),
            .childWorkflowExecutionTerminated(let initiated, let executionID, let failure):
            try fields.add("executionID", executionID)
            try fields.add("failure", encoding: failure)
            fields.add("initiatedEventID", initiated)
        case .requestCancelExternalWorkflowExecutionInitiated(let workflowID, let initiated):
            fields.add("initiatedEventID", initiated)
            try fields.add("workflowID", workflowID)
        case .workflowExecutionCompleted(let result): payload = result
        case .workflowExecutionFailed(let failure), .workflowExecutionCanceled(let failure):
            try fields.add("failure", encoding: failure)
        case .workflowExecutionContinuedAsNew(let executionID, let input):
            try fields.add("executionID", executionID)
            payload = input
        }
        fields.finish(in: &bytes)
        return payload
    }

    package func decoded() throws -> HistoryEvent.Attributes {
        let bytes = Array(attributes.utf8)
        return try Self.attributes(
            of: type,
            in: bytes,
            at: bytes.startIndex..<bytes.endIndex,
            payload: payload.map { Payload(json: $0) }
        )
    }

    /// Reads what ``write(_:to:)`` wrote.
    ///
    /// - Parameter range: where in `bytes` the object stands.
    static func attributes(of type: String, in bytes: [UInt8], at range: Range<Int>, payload given: Payload?) throws
        -> HistoryEvent.Attributes
    {
        if type == "WorkflowTaskCompleted" { return .workflowTaskCompleted() }
        let fields = try FieldReader(bytes, in: range, type: type)
        func payload() throws -> Payload {
            guard let given else { throw EventUnreadable(description: "A stored \(type) lacks its payload.") }
            return given
        }
        func scheduled() throws -> Int { try fields.int("scheduledEventID") }
        func started() throws -> Int { try fields.int("startedEventID") }
        func initiated() throws -> Int { try fields.int("initiatedEventID") }
        func failure() throws -> FailureInfo { try fields.value("failure") }
        func execution() throws -> String { try fields.string("executionID") }
        switch type {
        case "ActivityTaskScheduled":
            return .activityTaskScheduled(
                ActivityTaskScheduled(
                    activityID: try fields.string("activityID"),
                    activityType: try fields.string("activityType"),
                    input: try payload(),
                    options: try StoredOptions.options(try fields.json("activityOptions")) {
                        try fields.value("activityOptions")
                    }
                )
            )
        case "ActivityTaskStarted":
            return .activityTaskStarted(
                scheduledEventID: try scheduled(),
                attempt: try fields.int("attempt"),
                lastFailure: try fields.valueIfPresent("failure")
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
                retryState: try fields.value("retryState")
            )
        case "ActivityTaskTimedOut":
            return .activityTaskTimedOut(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                failure: try failure(),
                retryState: try fields.value("retryState")
            )
        case "ActivityTaskCancelRequested": return .activityTaskCancelRequested(scheduledEventID: try scheduled())
        case "ActivityTaskCanceled":
            return .activityTaskCanceled(
                scheduledEventID: try scheduled(),
                startedEventID: try started(),
                reason: try fields.string("reason")
            )
        case "WorkflowExecutionStarted": return .workflowExecutionStarted(try fields.value("started"))
        case "WorkflowExecutionSignaled":
            return .workflowExecutionSignaled(signalName: try fields.string("name"), input: try payload())
        case "WorkflowExecutionCancelRequested":
            return .workflowExecutionCancelRequested(reason: try fields.string("reason"))
        case "WorkflowExecutionTerminated": return .workflowExecutionTerminated(reason: try fields.string("reason"))
        case "TimerStarted":
            return .timerStarted(
                timerID: try fields.string("timerID"),
                startToFire: try fields.duration("seconds")
            )
        case "TimerFired":
            return .timerFired(timerID: try fields.string("timerID"), startedEventID: try started())
        case "TimerCanceled":
            return .timerCanceled(timerID: try fields.string("timerID"), startedEventID: try started())
        case "StartChildWorkflowExecutionInitiated":
            return .startChildWorkflowExecutionInitiated(
                StartChildWorkflowExecutionInitiated(
                    workflowID: try fields.string("workflowID"),
                    workflowType: try fields.string("workflowType"),
                    input: try payload(),
                    options: try fields.value("childOptions")
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
                workflowID: try fields.string("workflowID"),
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
