#if Temporal
import Foundation
import SwiftProtobuf
import Testing
import Workflows

@testable import TemporalEngine

@Suite("What goes to Temporal comes back as it was, and reads well there")
struct MappingTests {
    private static let key = Data((0..<32).map { UInt8($0) })

    private func mapping(_ key: Data? = nil) throws -> PayloadMapping { try PayloadMapping(key: key) }

    @Test("Payloads: JSON for everybody, or encrypted for those with the key")
    func payloads() throws {
        let payload = Payload(json: #"{"name":"Zoë \"O'Brien\"","n":9007199254740993}"#)
        let plain = try mapping().wire(payload)
        #expect(plain.metadata["encoding"] == Data("json/plain".utf8))
        #expect(plain.data == payload.bytes)
        #expect(try mapping().payload(plain) == payload)

        let secret = try mapping(Self.key).wire(payload)
        #expect(secret.metadata["encoding"] == Data("binary/encrypted".utf8))
        #expect(secret.data.range(of: Data("Brien".utf8)) == nil)
        #expect(try mapping(Self.key).payload(secret) == payload)
        #expect(try mapping(Self.key).payload(plain) == payload, "what was begun without a key goes on with one")
        let missing = #expect(throws: TemporalError.self) { try mapping().payload(secret) }
        #expect(missing?.description.contains("no key for payloads") == true)
        let wrong = #expect(throws: TemporalError.self) { try mapping(Data(repeating: 7, count: 32)).payload(secret) }
        #expect(wrong?.description.contains("another key") == true)
        var damaged = secret
        damaged.data[damaged.data.count - 1] ^= 1
        #expect(throws: TemporalError.self) { try mapping(Self.key).payload(damaged) }
        #expect(throws: TemporalError.self) { try mapping(Data(repeating: 7, count: 31)) }
    }

    @Test("Failures keep their kind, type, text and causes")
    func failures() throws {
        let mapping = FailureMapping(payloads: try mapping())
        let cause = FailureInfo(kind: .application(nonRetryable: false), type: "Deadlock", message: "deadlock detected")
        let kinds: [(FailureInfo.Kind, String)] = [
            (.application(nonRetryable: true), "SinkError"),
            (
                .activity(activityType: "PublishBatch", activityID: "7", retryState: .maximumAttemptsReached),
                "ActivityFailure"
            ),
            (
                .childWorkflow(workflowType: "W", workflowID: "w/1", executionID: "01a2008040c872cab51dd446fe12eede"),
                "ChildWorkflowFailure"
            ),
            (.childWorkflow(workflowType: "W", workflowID: "w/1", executionID: nil), "ChildWorkflowFailure"),
            (.timeout(.heartbeat), "TimeoutFailure"), (.canceled, "CanceledFailure"),
            (.terminated, "TerminatedFailure"),
        ]
        for (kind, type) in kinds {
            let info = FailureInfo(kind: kind, type: type, message: "what happened", cause: cause)
            let wire = try WireFailure(serializedBytes: mapping.wire(info).serializedData() as Data)
            #expect(mapping.info(wire) == info)
        }
    }

    @Test("A worker's verdict on an attempt reaches the workflow, whatever kind of failure it was")
    func verdicts() throws {
        let mapping = FailureMapping(payloads: try mapping())
        let infos = [
            FailureInfo(kind: .application(nonRetryable: false), type: "Trouble", message: "t"),
            FailureInfo(kind: .timeout(.heartbeat), type: "TimeoutFailure", message: "silent"),
        ]
        for info in infos {
            let givenUp = try mapping.wire(info, givenUp: .maximumAttemptsReached)
            #expect(givenUp.application.nonRetryable, "the server must not try again")
            #expect(mapping.info(givenUp) == info)
            #expect(mapping.retryState(givenUp, otherwise: .nonRetryableFailure) == .maximumAttemptsReached)
            let again = mapping.wire(info, retryAfter: .milliseconds(1500))
            #expect(!again.application.nonRetryable)
            #expect(again.application.nextRetryDelay.duration == .milliseconds(1500))
            #expect(mapping.info(again) == info)
        }
    }

    @Test("A memo goes with a child, and with each execution that goes on; a history knows nothing of it")
    func memos() throws {
        let options = ChildWorkflowOptions(memo: ["bucket": "7"])
        #expect(try !Payload(encoding: options).text.contains("bucket"))
        let started = WorkflowExecutionStarted(
            workflowID: "w",
            executionID: "e",
            firstExecutionID: "e",
            workflowType: "W",
            input: Payload(json: "1")
        )
        let commands = CommandMapping(
            started: started,
            memo: try mapping().fields(["run": "r"]),
            payloads: try mapping(),
            taskQueue: "q",
            workerTimeout: .seconds(1),
            unhandledSignals: []
        )
        let child = StartChildWorkflowExecutionInitiated(
            workflowID: "c",
            workflowType: "C",
            input: Payload(json: "1"),
            options: options
        )
        let start = try commands.wire(.startChildWorkflowExecution(child)).startChild
        #expect(try mapping().value(String.self, named: "bucket", in: start.memo) == "7")
        let next = try commands.wire(.continueAsNewWorkflowExecution(input: Payload(json: "1"))).continueAsNew
        #expect(try mapping().value(String.self, named: "run", in: next.memo) == "r")
        let previous = try mapping().value(ExecutionMemo.self, named: HeaderName.memo, in: next.memo)
        #expect(previous?.previousExecutionID == "e")
    }

    @Test("Execution ids are run ids without hyphens")
    func executionIDs() {
        let runID = "01a20080-40c8-72ca-b51d-d446fe12eede"
        #expect(ExecutionID.of(runID: runID) == "01a2008040c872cab51dd446fe12eede")
        #expect(ExecutionID.runID(ExecutionID.of(runID: runID)) == runID)
    }

    @Test(
        "The server's retries allow what any rule of a policy allows",
        arguments: [
            (RetryPolicy(maximumAttempts: 3), 3), (RetryPolicy(), 0),
            (
                RetryPolicy(maximumAttempts: 3, rules: [RetryRule(action: .retry(RetryOverrides(maximumAttempts: 9)))]),
                9
            ),
            (
                RetryPolicy(maximumAttempts: 3, rules: [RetryRule(action: .retry(RetryOverrides(maximumAttempts: 0)))]),
                0
            ),
            (RetryPolicy(maximumAttempts: 3, rules: [RetryRule(action: .never)]), 3),
        ]
    )
    func policies(_ policy: RetryPolicy, _ most: Int) {
        #expect(WireRetryPolicy(policy).maximumAttempts == Int32(most))
    }

    @Test(
        "Addresses are read as people write them",
        arguments: [
            ("temporal://host:7233/ns", "temporal://host:7233/ns"), ("temporal://host", "temporal://host:7233/default"),
            ("temporal://10.0.0.1:99/", "temporal://10.0.0.1:99/default"),
            ("temporal://[::1]:5/x", "temporal://[::1]:5/x"),
            ("temporal://[::1]", "temporal://[::1]:7233/default"),
        ]
    )
    func addresses(_ text: String, _ read: String) throws { #expect(try TemporalAddress(text).description == read) }

    @Test(
        "What is no address is named, with one that is",
        arguments: [
            "http://x", "temporal://", "temporal://h:0", "temporal://h:x/n", "temporal://[::1]x", "temporal://h/a/b",
        ]
    )
    func noAddresses(_ text: String) {
        let error = #expect(throws: TemporalError.self) { try TemporalAddress(text) }
        #expect(error?.description.contains(text) == true)
    }
}
#endif
