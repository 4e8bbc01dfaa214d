/// Durable code: an `async` function that is a pure function of its history.
///
/// `run` may await only what its context offers (activities, children, timers, signals, conditions), and takes time,
/// randomness and ids from there. Child tasks (`async let`, task groups) are welcome: they run on the workflow's own serial
/// executor, in the same order each time.
///
/// An error that conforms to ``WorkflowFailure`` fails the workflow. Any other error fails the turn: the execution stalls,
/// keeps all it has, and carries on once the program is fixed.
public protocol Workflow: Sendable {
    /// What an execution is started with; it travels in history as JSON, so keep it small.
    associatedtype Input: Codable & Sendable
    /// What an execution results in; it travels in history as JSON.
    associatedtype Output: Codable & Sendable

    /// The name that histories hold. It must not change while executions of it are open; by default the Swift type's name.
    static var workflowType: String { get }

    /// A workflow has no dependencies: all it needs is in its input or comes from activities.
    init()

    /// The workflow's code. Throw ``ContinueAsNew`` to hand over to a fresh execution of the chain.
    func run(_ input: Input, in context: WorkflowContext) async throws -> Output
}

extension Workflow {
    /// The Swift type's name, without its module.
    public static var workflowType: String { TypeNames.name(of: Self.self) }
}

/// A step that may touch the world: retried, time-limited, heartbeating.
///
/// An activity is registered with the engine as an instance, which carries its dependencies, and called by its type. It runs at
/// least once for each time it is scheduled, so its effect should bear repetition.
public protocol Activity: Sendable {
    /// What the activity is called with; it travels in history as JSON.
    associatedtype Input: Codable & Sendable
    /// What the activity results in; it travels in history as JSON.
    associatedtype Output: Codable & Sendable

    /// The name that histories hold; by default the Swift type's name.
    static var activityType: String { get }

    /// Whether an engine that shuts down in order cancels an attempt at once, instead of waiting for its end as long as it waits at
    /// most: for work that takes long and begins anew anyway. False by default.
    static var isCutShortByShutdown: Bool { get }

    /// One attempt. Cancellation and timeouts arrive as task cancellation; throwing `CancellationError` after a cancellation
    /// request ends the activity as cancelled.
    func run(_ input: Input, in context: ActivityContext) async throws -> Output
}

extension Activity {
    /// The Swift type's name, without its module.
    public static var activityType: String { TypeNames.name(of: Self.self) }

    /// Waited for.
    public static var isCutShortByShutdown: Bool { false }
}

/// The input or output of work that takes or gives nothing.
public struct Empty: Codable, Sendable, Hashable {
    /// The one value.
    public init() {}
}

/// Thrown by a workflow to end its execution and start the next of its chain with `input`, in one step.
///
/// Signals that no handler has taken travel along. Children that are still open do not: wait for them first, or the turn fails.
public struct ContinueAsNew<Input: Codable & Sendable>: Error {
    /// What the next execution starts with.
    public var input: Input

    /// Hands `input` to the next execution of the chain.
    public init(_ input: Input) { self.input = input }
}

/// Lets the engine encode the input without knowing its type.
protocol ContinueAsNewRequest: Error {
    func encodedInput() throws -> Payload
}

extension ContinueAsNew: ContinueAsNewRequest {
    func encodedInput() throws -> Payload { try Payload(encoding: input) }
}
