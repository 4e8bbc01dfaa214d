import Workflows

extension BackfillSpec {
    /// `retry`, as activities take it.
    var retries: StepRetries {
        func policy(_ step: RetryStep) -> RetryPolicy {
            (stepRetries[step] ?? .standardOfSteps).policy(andThen: [])
        }
        return StepRetries(
            prepare: policy(.prepare),
            stage: policy(.stage),
            plan: policy(.plan),
            publish: retry.policy(andThen: RetrySpec.kinds),
            hooks: policy(.hooks)
        )
    }
}

extension RetrySpec {
    /// What is known of some kinds of failure, where the spec has no rule for them: a right that is missing does not come by waiting, and
    /// a transaction that lost against another may win at once.
    fileprivate static let kinds = [
        RetryRule(causePattern: "(?i)permission denied|authentication failed|no pg_hba.conf entry", action: .never),
        RetryRule(
            causePattern: "(?i)deadlock|could not serialize",
            action: .retry(RetryOverrides(initialInterval: .milliseconds(100), maximumInterval: .seconds(5)))
        ),
    ]

    /// Errors that no retry mends.
    private static let permanent = [
        "SpecError", "SourceError", "SinkError", "PlanError", "PlanLost", "StateError", "ScriptError", "ReportRefused",
        "StagedResultDamaged", "RunRefused",
    ]

    fileprivate func policy(andThen standard: [RetryRule]) -> RetryPolicy {
        RetryPolicy(
            initialInterval: initialInterval,
            backoffCoefficient: backoffCoefficient,
            maximumInterval: maximumInterval,
            jitter: jitter,
            maximumAttempts: maximumAttempts,
            nonRetryableErrorTypes: Self.permanent,
            rules: rules.map(\.rule) + standard
        )
    }
}

extension RetrySpecRule {
    fileprivate var rule: RetryRule {
        let action: RetryRule.Action =
            switch action {
            case .never: .never
            case .retry(let overrides):
                .retry(
                    RetryOverrides(
                        initialInterval: overrides.initialInterval,
                        backoffCoefficient: overrides.backoffCoefficient,
                        maximumInterval: overrides.maximumInterval,
                        jitter: overrides.jitter,
                        maximumAttempts: overrides.maximumAttempts
                    )
                )
            }
        return RetryRule(errorType: errorType, causePattern: causePattern, action: action)
    }
}
