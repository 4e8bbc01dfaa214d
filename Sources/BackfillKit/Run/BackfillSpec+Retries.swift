import Workflows

extension StepRetries {
    /// What holds where a spec says nothing.
    static let standard = StepRetries(publish: .standard, steps: [:])

    init(publish: RetrySpec, steps: [RetryStep: RetrySpec]) {
        func policy(_ step: RetryStep) -> RetryPolicy {
            (steps[step] ?? .standardOfSteps).policy(nonRetryable: PermanentFailure.types)
        }
        self.init(
            prepare: policy(.prepare),
            stage: policy(.stage),
            plan: policy(.plan),
            // Each batch's event holds its policy, so it is kept small: the batch itself says which failures are permanent.
            publish: publish.policy(nonRetryable: []),
            hooks: policy(.hooks)
        )
    }
}

extension BackfillSpec {
    /// `retry`, as activities take it.
    var retries: StepRetries { StepRetries(publish: retry, steps: stepRetries) }
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
