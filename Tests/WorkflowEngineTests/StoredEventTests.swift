import Foundation
import Testing
import Workflows

@testable import WorkflowEngine

@Suite("A stored event is JSON that stays readable: by people, and by later versions")
struct StoredEventTests {
    private static let failure = FailureInfo(
        kind: .application(nonRetryable: false),
        type: "E",
        message: "no \"way\"",
        cause: FailureInfo(kind: .canceled, type: "C", message: "")
    )
    private static let failureText =
        #"{"cause":{"kind":{"canceled":{}},"message":"","type":"C"},"kind":{"application":{"nonRetryable":false}},"message":"no \"way\"","type":"E"}"#

    /// What the first version wrote, of each kind of attribute.
    private static let rows: [(HistoryEvent.Attributes, EventRow)] = [
        (
            .activityTaskScheduled(
                ActivityTaskScheduled(
                    activityID: "7",
                    activityType: "Publish/It",
                    input: Payload(json: "[1]"),
                    options: ActivityOptions(
                        startToClose: .seconds(60),
                        heartbeatTimeout: .milliseconds(500),
                        retryPolicy: RetryPolicy(nonRetryableErrorTypes: ["Bad{\"}"])
                    )
                )
            ),
            row(
                "ActivityTaskScheduled",
                #"{"activityID":"7","activityOptions":{"cancellationType":"waitCancellationCompleted","heartbeatTimeout":0.5,"#
                    + #""retryPolicy":{"backoffCoefficient":2,"initialInterval":1,"maximumAttempts":0,"maximumInterval":100,"#
                    + #""nonRetryableErrorTypes":["Bad{\"}"]},"startToClose":60},"activityType":"Publish/It"}"#,
                "[1]"
            )
        ),
        (
            .activityTaskStarted(scheduledEventID: 5, attempt: 1, lastFailure: nil),
            row("ActivityTaskStarted", #"{"attempt":1,"scheduledEventID":5}"#)
        ),
        (
            .activityTaskStarted(scheduledEventID: 5, attempt: 2, lastFailure: failure),
            row("ActivityTaskStarted", #"{"attempt":2,"failure":\#(failureText),"scheduledEventID":5}"#)
        ),
        (
            .activityTaskCompleted(scheduledEventID: 5, startedEventID: 6, result: Payload(json: "{}")),
            row("ActivityTaskCompleted", #"{"scheduledEventID":5,"startedEventID":6}"#, "{}")
        ),
        (
            .activityTaskTimedOut(scheduledEventID: 5, startedEventID: 6, failure: failure, retryState: .timeout),
            row(
                "ActivityTaskTimedOut",
                #"{"failure":\#(failureText),"retryState":"timeout","scheduledEventID":5,"startedEventID":6}"#
            )
        ),
        (.workflowTaskCompleted(), row("WorkflowTaskCompleted", "{}")),
        (
            .workflowExecutionSignaled(signalName: "löse \"a\"\n\\", input: Payload(json: "1")),
            row("WorkflowExecutionSignaled", #"{"name":"löse \"a\"\n\\"}"#, "1")
        ),
        (
            .timerStarted(timerID: "1", startToFire: .milliseconds(1500)),
            row("TimerStarted", #"{"seconds":1.5,"timerID":"1"}"#)
        ),
        (
            .childWorkflowExecutionCompleted(initiatedEventID: 3, executionID: "x", result: Payload(json: "2")),
            row("ChildWorkflowExecutionCompleted", #"{"executionID":"x","initiatedEventID":3}"#, "2")
        ),
        (
            .workflowExecutionContinuedAsNew(newExecutionID: "y", input: Payload(json: "3")),
            row("WorkflowExecutionContinuedAsNew", #"{"executionID":"y"}"#, "3")
        ),
    ]

    private static func row(_ type: String, _ attributes: String, _ payload: String? = nil) -> EventRow {
        EventRow(type: type, attributes: attributes, payload: payload)
    }

    @Test("What earlier versions wrote reads as it was meant, and is written the same today")
    func texts() throws {
        for (attributes, row) in Self.rows {
            #expect(try EventRow(attributes) == row)
            #expect(try row.decoded() == attributes)
        }
    }

    @Test("Blanks, other orders, nulls and unknown keys do no harm")
    func otherWriters() throws {
        let text =
            " { \"unknown\" : [ {\"a\": \"]}\"} , 1 ] ,\n\"startedEventID\":6.0, \"failure\": null, \"scheduledEventID\" : 5 } "
        #expect(
            try EventRow(type: "ActivityTaskCompleted", attributes: text, payload: "1").decoded()
                == .activityTaskCompleted(scheduledEventID: 5, startedEventID: 6, result: Payload(json: "1"))
        )
        let started = EventRow(
            type: "ActivityTaskStarted",
            attributes: #"{"attempt":1,"failure":null,"scheduledEventID":5}"#,
            payload: nil
        )
        #expect(try started.decoded() == .activityTaskStarted(scheduledEventID: 5, attempt: 1, lastFailure: nil))
    }

    @Test("An event that is cut short or misses something is named, wherever it was cut")
    func damaged() throws {
        for (attributes, row) in Self.rows where attributes != .workflowTaskCompleted() {
            for length in 0..<row.attributes.utf8.count {
                let cut = String(decoding: row.attributes.utf8.prefix(length), as: UTF8.self)
                #expect(throws: EventUnreadable.self) {
                    try EventRow(type: row.type, attributes: cut, payload: row.payload).decoded()
                }
            }
            #expect(throws: EventUnreadable.self) {
                try EventRow(type: row.type, attributes: "{}", payload: row.payload).decoded()
            }
        }
    }
}
