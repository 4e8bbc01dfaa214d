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

    @Test(
        "A missing right is not waited for",
        arguments: [
            "permission denied for table t", "FATAL: password authentication failed", "no pg_hba.conf entry for host",
        ]
    )
    func rights(message: String) throws {
        let policy = try retries("").publish
        #expect(policy.decision(after: failure(message), attempt: 1) == .stop(.nonRetryableFailure))
    }

    @Test("Who lost against another transaction tries again soon, and never waits long")
    func contention() throws {
        let policy = try retries("retry: {initial-interval: 10s, maximum-interval: 60s, jitter: 0}").publish
        let decisions = [1, 2, 9].map { policy.decision(after: failure("ERROR: deadlock detected"), attempt: $0) }
        #expect(
            decisions == [
                .retry(after: .milliseconds(100)), .retry(after: .milliseconds(200)), .retry(after: .seconds(5)),
            ]
        )
        #expect(policy.decision(after: failure("disk full"), attempt: 1) == .retry(after: .seconds(10)))
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
        #expect(
            policy.decision(after: failure("deadlock", type: "Other"), attempt: 1) == .retry(after: .milliseconds(100))
        )
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
