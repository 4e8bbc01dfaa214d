import Workflows

/// What is known of kinds of failure where the spec has no rule for them.
enum PermanentFailure {
    /// Errors that no retry mends, by their types' names.
    static let types = [
        "SpecError", "SourceError", "SinkError", "PlanError", "PlanLost", "StateError", "ScriptError", "ReportRefused",
        "StagedResultDamaged", "RunRefused", "SourceChanged",
    ]

    /// A right that is missing does not come by waiting.
    private static let texts = ["permission denied", "authentication failed", "no pg_hba.conf entry"]

    /// The error, marked so that it is not tried again when no retry mends it. Rules of the spec come before such a mark.
    static func marking(_ error: any Error) -> any Error {
        let info = FailureInfo(describing: error)
        let isPermanent = info.chain.contains { failure in
            types.contains(failure.type) || texts.contains { failure.message.lowercased().contains($0) }
        }
        guard isPermanent else { return error }
        return ApplicationFailure(type: info.type, message: info.message, nonRetryable: true)
    }
}
