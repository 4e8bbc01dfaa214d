import SQLConnectors
import Testing
import Workflows

@testable import BackfillKit

@Suite("Steps are retried as the spec says; what is known of some failures comes after its rules")
struct StepRetriesTests {
    private func failure(_ message: String, type: String = "TargetUnavailable") -> FailureInfo {
        FailureInfo(
            kind: .application(nonRetryable: false),
            type: "Outer",
            message: "something failed",
            cause: FailureInfo(kind: .application(nonRetryable: false), type: type, message: message)
        )
    }

    private func retries(_ lines: String) throws -> StepRetries {
        try SpecText.parse(SpecText.complete(lines)).retries
    }

    private struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    @Test(
        "A missing right is not waited for, unless a rule of the spec says otherwise",
        arguments: [
            "permission denied for table t", "FATAL: password authentication failed", "no pg_hba.conf entry for host",
        ]
    )
    func rights(message: String) throws {
        let failure = FailureInfo(describing: PermanentFailure.marking(Refusal(description: message)))
        #expect(failure.type == "Refusal" && failure.message == message)
        #expect(try retries("").publish.decision(after: failure, attempt: 1) == .stop(.nonRetryableFailure))
        let patient = try retries("retry: {jitter: 0, rules: [{error: Refusal, action: retry, initial-interval: 3s}]}")
        #expect(patient.publish.decision(after: failure, attempt: 1) == .retry(after: .seconds(3)))
    }

    @Test("Errors that say what is wrong with spec, source or sink are not tried again; others are")
    func permanent() {
        let permanent = FailureInfo(describing: PermanentFailure.marking(SinkError("the table is gone")))
        #expect(permanent.kind == .application(nonRetryable: true) && permanent.type == "SinkError")
        let passing = FailureInfo(describing: PermanentFailure.marking(Refusal(description: "deadlock detected")))
        #expect(passing.kind == .application(nonRetryable: false))
    }

    @Test("The spec's own rules come first")
    func ownRules() throws {
        let policy = try retries(
            """
            retry:
              jitter: 0
              rules:
                - {cause: permission denied, action: retry, initial-interval: 3s}
                - {error: TargetUnavailable, action: never}
            """
        ).publish
        #expect(policy.decision(after: failure("permission denied"), attempt: 1) == .retry(after: .seconds(3)))
        #expect(policy.decision(after: failure("deadlock"), attempt: 1) == .stop(.nonRetryableFailure))
        #expect(policy.decision(after: failure("deadlock", type: "Other"), attempt: 1) == .retry(after: .seconds(1)))
    }

    @Test("Each step has its own retries, or the defaults; publishing has those beside them")
    func steps() throws {
        let retries = try retries(
            "retry: {maximum-attempts: 3, stage: {maximum-attempts: 7, jitter: 0.5}, hooks: {initial-interval: 2m}}"
        )
        #expect(retries.publish.maximumAttempts == 3 && retries.publish.jitter == 0.2)
        #expect(retries.stage.maximumAttempts == 7 && retries.stage.jitter == 0.5)
        #expect(retries.hooks.initialInterval == .seconds(120) && retries.hooks.maximumInterval == .seconds(120))
        #expect(retries.plan.maximumAttempts == 10 && retries.plan.maximumInterval == .seconds(30))
        #expect(retries.prepare == retries.plan)
    }
}
