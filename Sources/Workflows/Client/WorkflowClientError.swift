/// Why a client's request was refused; the text says what to do.
public struct WorkflowClientError: Error, Hashable, CustomStringConvertible {
    /// What kind of refusal it is.
    public enum Code: Sendable, Hashable {
        /// An execution with the workflow id is open.
        case alreadyRunning
        /// The reuse policy refuses the workflow id.
        case alreadyUsed
        /// There is no such workflow or execution.
        case notFound
        /// The execution is closed.
        case notRunning
        /// The workflow type is not registered here.
        case unknownWorkflowType
        /// The workflow has no handler for the query.
        case unknownQuery
        /// The execution waits for a fixed program.
        case stalled
        /// Another live process owns the execution.
        case ownedByLiveProcess(ExecutionOwner)
        /// The engine is shutting down, or has stopped.
        case engineStopped
        /// The client can only read.
        case readOnly
        /// An input or result exceeds the payload limit.
        case payloadTooLarge
    }

    /// What kind of refusal it is.
    public var code: Code
    /// What is wrong and what to do.
    public var message: String

    /// Refuses a request.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What is wrong and what to do.
    public var description: String { message }
}
