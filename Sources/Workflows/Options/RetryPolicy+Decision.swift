import Synchronization

/// Options that make no sense; the text names the one and says what to do.
package struct InvalidOptions: Error {
    package var message: String
}

extension ActivityOptions {
    /// Throws when a value makes no sense or a rule's pattern is not a regular expression.
    package func validate() throws(InvalidOptions) {
        if startToClose <= .zero { throw InvalidOptions(message: "startToClose must be longer than zero.") }
        if retryPolicy.backoffCoefficient < 1 {
            throw InvalidOptions(
                message:
                    "The retry policy's backoffCoefficient is \(retryPolicy.backoffCoefficient), and must be at least 1."
            )
        }
        if !(0...1).contains(retryPolicy.jitter) {
            throw InvalidOptions(
                message: "The retry policy's jitter is \(retryPolicy.jitter), and must be from 0 to 1."
            )
        }
        if retryPolicy.maximumAttempts < 0 {
            throw InvalidOptions(message: "The retry policy's maximumAttempts must be 0 (no limit) or more.")
        }
        for pattern in retryPolicy.rules.compactMap(\.causePattern) where !KnownPatterns.contains(pattern) {
            do { _ = try Regex(pattern) } catch {
                throw InvalidOptions(
                    message: "The retry rule's causePattern “\(pattern)” is not a regular expression: \(error)"
                )
            }
        }
        KnownPatterns.add(retryPolicy.rules.compactMap(\.causePattern))
    }
}

/// Patterns that are regular expressions: the same few are looked at again with each call of an activity, and reading one is dear.
private enum KnownPatterns {
    private static let known = Mutex<Set<String>>([])

    static func contains(_ pattern: String) -> Bool { known.withLock { $0.contains(pattern) } }

    /// Patterns come from specs, so they are few; should they not be, they are read again.
    static func add(_ patterns: [String]) {
        known.withLock { if $0.count < 1_000 { $0.formUnion(patterns) } }
    }
}

extension RetryPolicy {
    /// What follows a failed attempt.
    package enum Decision: Sendable, Hashable {
        case retry(after: Duration)
        case stop(RetryState)
    }

    /// What follows when attempt number `attempt` (from 1) failed with `failure`. Rules come first; then what the error says of
    /// itself and the policy's types; then the number of attempts.
    ///
    /// - Parameter chance: from 0 to 1; how much of the jitter to take away.
    package func decision(after failure: FailureInfo, attempt: Int, chance: Double = 0) -> Decision {
        var policy = self
        if let rule = rules.first(where: { $0.matches(failure) }) {
            switch rule.action {
            case .never: return .stop(.nonRetryableFailure)
            case .retry(let overrides): policy.apply(overrides)
            }
        } else if failure.kind == .application(nonRetryable: true) || nonRetryableErrorTypes.contains(failure.type) {
            return .stop(.nonRetryableFailure)
        }
        if policy.maximumAttempts > 0, attempt >= policy.maximumAttempts { return .stop(.maximumAttemptsReached) }
        return .retry(after: policy.interval(after: attempt) * (1 - policy.jitter * chance))
    }

    /// The wait after attempt number `attempt`.
    private func interval(after attempt: Int) -> Duration {
        var interval = initialInterval.inSeconds
        let maximum = maximumInterval.inSeconds
        for _ in 1..<max(1, attempt) where interval < maximum && backoffCoefficient > 1 {
            interval *= backoffCoefficient
        }
        return .seconds(min(interval, maximum))
    }

    private mutating func apply(_ overrides: RetryOverrides) {
        initialInterval = overrides.initialInterval ?? initialInterval
        backoffCoefficient = overrides.backoffCoefficient ?? backoffCoefficient
        maximumInterval = overrides.maximumInterval ?? maximumInterval
        jitter = overrides.jitter ?? jitter
        maximumAttempts = overrides.maximumAttempts ?? maximumAttempts
    }
}

extension RetryRule {
    func matches(_ failure: FailureInfo) -> Bool {
        if let errorType, !failure.chain.contains(where: { $0.type == errorType }) { return false }
        guard let causePattern else { return true }
        // Patterns were validated when the activity was scheduled; one that is unreadable all the same matches nothing.
        guard let pattern = try? Regex(causePattern) else { return false }
        return failure.chain.contains { $0.message.contains(pattern) }
    }
}
