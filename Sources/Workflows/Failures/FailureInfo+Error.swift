import Foundation

/// Lets an error say how histories and retry policies see it; without it, the Swift type's name and the error's text are used.
public protocol DescribedFailure: Error {
    /// The name that retry policies match.
    var failureType: String { get }
    /// The error that led to this one; its type and text are kept too.
    var failureCause: (any Error)? { get }
    /// Whether trying again is known to be in vain.
    var isNonRetryable: Bool { get }
}

extension DescribedFailure {
    /// The Swift type's name.
    public var failureType: String { String(describing: Self.self) }
    /// None.
    public var failureCause: (any Error)? { nil }
    /// No: most failures of the world pass.
    public var isNonRetryable: Bool { false }
}

extension FailureInfo {
    /// Keeps an error's type name and text, and those of its causes.
    public init(describing error: any Error) {
        switch error {
        case let failure as any WorkflowFailure:
            self = failure.failureInfo
        case let described as any DescribedFailure:
            self.init(
                kind: .application(nonRetryable: described.isNonRetryable),
                type: described.failureType,
                message: Self.text(of: error),
                cause: described.failureCause.map { FailureInfo(describing: $0) }
            )
        case is CancellationError:
            self = CanceledFailure(reason: "The task was cancelled.").failureInfo
        default:
            self.init(
                kind: .application(nonRetryable: false),
                type: String(describing: Swift.type(of: error)),
                message: Self.text(of: error),
                cause: Self.underlying(error).map { FailureInfo(describing: $0) }
            )
        }
    }

    private static func text(of error: any Error) -> String {
        // `localizedDescription` of a plain Swift error says only that "the operation could not be completed".
        if let localized = error as? any LocalizedError, let text = localized.errorDescription { return text }
        if Swift.type(of: error) is NSError.Type { return (error as NSError).localizedDescription }
        return String(describing: error)
    }

    private static func underlying(_ error: any Error) -> (any Error)? {
        if let error = error as? CocoaError { return error.underlying }
        guard Swift.type(of: error) is NSError.Type else { return nil }
        return (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
    }
}
