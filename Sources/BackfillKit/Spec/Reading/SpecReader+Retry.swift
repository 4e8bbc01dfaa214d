extension SpecReader {
    private static let numberKeys = [
        "maximum-attempts", "initial-interval", "maximum-interval", "backoff-coefficient", "jitter",
    ]

    /// The retries of publishing, and those of the steps that are named.
    mutating func retries(_ field: SpecField) -> (publish: RetrySpec, steps: [RetryStep: RetrySpec])? {
        let steps = RetryStep.allCases
        guard let mapping = mapping(field, keys: Self.numberKeys + ["rules"] + steps.map(\.rawValue)) else {
            return nil
        }
        var read: [RetryStep: RetrySpec] = [:]
        for step in steps {
            guard let field = mapping[step.rawValue] else { continue }
            if let keys = self.mapping(field, keys: Self.numberKeys + ["rules"]) {
                read[step] = retrySpec(keys, standard: .standardOfSteps)
            }
        }
        return (retrySpec(mapping, standard: .standard), read)
    }

    private mutating func retrySpec(_ mapping: SpecMapping, standard: RetrySpec) -> RetrySpec {
        var retry = standard
        let given = overrides(mapping, initialInterval: retry.initialInterval)
        retry.maximumAttempts = given.maximumAttempts ?? retry.maximumAttempts
        retry.initialInterval = given.initialInterval ?? retry.initialInterval
        // A longer first wait than the default maximum is no contradiction of the reader's making.
        retry.maximumInterval = given.maximumInterval ?? max(retry.maximumInterval, retry.initialInterval)
        retry.backoffCoefficient = given.backoffCoefficient ?? retry.backoffCoefficient
        retry.jitter = given.jitter ?? retry.jitter
        if let rules = mapping["rules"] {
            retry.rules =
                list(rules, of: "rules").map { $0.compactMap { rule($0, initialInterval: retry.initialInterval) } }
                ?? []
        }
        return retry
    }

    private mutating func rule(_ field: SpecField, initialInterval: Duration) -> RetrySpecRule? {
        enum ActionName: String, CaseIterable { case never, retry }
        guard let mapping = mapping(field, keys: ["error", "cause", "action"] + Self.numberKeys) else { return nil }
        let errorType = mapping["error"].flatMap { text($0, expected: "the name of an error's type") }
        let cause = mapping["cause"].flatMap { regularExpression($0) }
        if mapping["error"] == nil, mapping["cause"] == nil {
            note(field, "matches every error", "Add error or cause, or say it for all errors in retry itself.")
        }
        let overrides = overrides(mapping, initialInterval: initialInterval)
        let action = required("action", in: mapping, example: "action: never").flatMap {
            choice($0, of: ActionName.self)
        }
        guard let action else { return nil }
        if action == .never, let place = Self.numberKeys.compactMap({ mapping[$0] }).first {
            note(place, "has no meaning beside action never", "Write `action: retry`, or take it out.")
        }
        return RetrySpecRule(
            errorType: errorType?.value,
            causePattern: cause,
            action: action == .never ? .never : .retry(overrides)
        )
    }

    /// - Parameter initialInterval: what holds where the mapping gives none.
    private mutating func overrides(_ mapping: SpecMapping, initialInterval: Duration) -> RetrySpecOverrides {
        let overrides = RetrySpecOverrides(
            maximumAttempts: mapping["maximum-attempts"].flatMap { wholeNumber($0, in: BackfillSpec.Bounds.attempts) },
            initialInterval: mapping["initial-interval"].flatMap { duration($0) },
            maximumInterval: mapping["maximum-interval"].flatMap { duration($0) },
            backoffCoefficient: mapping["backoff-coefficient"].flatMap {
                number($0, in: BackfillSpec.Bounds.backoffCoefficient)
            },
            jitter: mapping["jitter"].flatMap { number($0, in: BackfillSpec.Bounds.jitter) }
        )
        if let longest = overrides.maximumInterval, let place = mapping["maximum-interval"],
            longest < overrides.initialInterval ?? initialInterval
        {
            note(
                place,
                "is shorter than the initial interval",
                "Write a longer one, or add a shorter initial-interval."
            )
        }
        return overrides
    }

    mutating func duration(_ field: SpecField) -> Duration? {
        guard let text = text(field, expected: "a time"),
            let duration = quantity(of: text, expected: "a time such as 500ms or 2s", Quantity.duration)
        else { return nil }
        if duration > .zero { return duration }
        note(field, "\(text.found) is no time to wait", "Write at least 1ms.")
        return nil
    }

    private mutating func number(_ field: SpecField, in bounds: ClosedRange<Double>) -> Double? {
        guard let text = text(field, expected: "a number") else { return nil }
        if let number = Double(text.value), bounds.contains(number) { return number }
        note(
            field,
            Double(text.value) == nil ? "expected a number, found \(text.found)" : "\(text.found) is out of bounds",
            "Write a number from \(bounds.lowerBound) to \(bounds.upperBound)."
        )
        return nil
    }

    private mutating func regularExpression(_ field: SpecField) -> String? {
        guard let text = text(field, expected: "a regular expression") else { return nil }
        do {
            _ = try Regex(text.value)
            return text.value
        } catch {
            note(
                field,
                "\(text.found) is not a regular expression",
                "Check brackets and braces; a backslash before a character takes it as it is."
            )
            return nil
        }
    }
}
