import Workflows

extension BackfillSpec {
    /// `retry`, as activities take it.
    var retries: StepRetries {
        func policy(_ step: RetryStep) -> RetryPolicy {
            (stepRetries[step] ?? .standardOfSteps).policy(nonRetryable: PermanentFailure.types)
        }
        return StepRetries(
            prepare: policy(.prepare),
            stage: policy(.stage),
            plan: policy(.plan),
            // Each batch's event holds its policy, so it is kept small: the batch itself says which failures are permanent.
            publish: retry.policy(nonRetryable: []),
            hooks: policy(.hooks)
        )
    }
}

extension RetrySpec {
    fileprivate func policy(nonRetryable types: [String]) -> RetryPolicy {
        RetryPolicy(
            initialInterval: initialInterval,
            backoffCoefficient: backoffCoefficient,
            maximumInterval: maximumInterval,
            jitter: jitter,
            maximumAttempts: maximumAttempts,
            nonRetryableErrorTypes: types,
            rules: rules.map(\.rule)
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
