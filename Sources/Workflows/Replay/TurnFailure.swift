/// A turn that could not be taken. The history stays as it is; the execution stalls until the program is fixed.
package struct TurnFailure: Error, Hashable, CustomStringConvertible {
    /// What kind of mistake the program made.
    package enum Kind: String, Sendable, Hashable {
        /// The code asked for something else than the history holds.
        case nondeterminism = "NondeterminismError"
        /// The code awaited, or was called from, something outside its context.
        case foreignWait = "ForeignWaitError"
        /// The code went round without ever waiting.
        case spin = "SpinError"
        /// The code threw an error that is no ``WorkflowFailure``.
        case unexpectedError = "UnexpectedError"
        /// The code asked for something that cannot be.
        case invalidRequest = "InvalidRequestError"
    }

    package var kind: Kind
    package var message: String
    package var cause: FailureInfo?

    package init(_ kind: Kind, _ message: String, cause: FailureInfo? = nil) {
        self.kind = kind
        self.message = message
        self.cause = cause
    }

    package var description: String { failureInfo.description }

    package var failureInfo: FailureInfo {
        FailureInfo(
            kind: .application(nonRetryable: false),
            type: kind.rawValue,
            message: message,
            cause: cause
        )
    }
}

/// What code awaits when its instance is let go of: the code unwinds, and what it asks for on the way is void.
struct InstanceReleased: Error {}
