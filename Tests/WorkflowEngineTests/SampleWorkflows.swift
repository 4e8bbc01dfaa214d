import Foundation
import Synchronization
import Workflows

/// Adds one; counts how often it ran, for each input.
struct Increment: Activity {
    let runs = Counter()
    func run(_ input: Int, in context: ActivityContext) async throws -> Int {
        runs.add("\(input)")
        return input + 1
    }
}

/// Fails as often as it is told to, then gives the attempt's number.
struct Flaky: Activity {
    struct Trouble: Error, CustomStringConvertible {
        var description: String
    }

    func run(_ failures: Int, in context: ActivityContext) async throws -> Int {
        if context.info.attempt <= failures {
            throw Trouble(description: "deadlock detected, attempt \(context.info.attempt)")
        }
        return context.info.attempt
    }
}

/// Says that it runs, and never ends by itself.
struct Hang: Activity {
    let started: Gate
    func run(_ input: Empty, in context: ActivityContext) async throws -> Int {
        started.open()
        // Ends only by cancellation: nothing is ever yielded.
        for await _ in AsyncStream<Void>(unfolding: { await Never.comes() }) {}
        throw CancellationError()
    }
}

/// Like ``Hang``, and nothing that a shutdown waits for.
struct Restartable: Activity {
    static let isCutShortByShutdown = true
    let started: Gate
    func run(_ input: Empty, in context: ActivityContext) async throws -> Int {
        try await Hang(started: started).run(input, in: context)
    }
}

/// Waits, and loses nothing when the wait is cut short; gives the attempt's number once it need not wait.
struct Patient: Activity {
    let isWaiting: Gate
    let isOpen: Box<Bool>
    func run(_ input: Empty, in context: ActivityContext) async throws -> Int {
        if isOpen.value { return context.info.attempt }
        return try await context.whileIdle { try await Hang(started: isWaiting).run(input, in: context) }
    }
}

struct Patience: Workflow {
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        try await context.execute(Patient.self, input, options: .test)
    }
}

extension ActivityInfo {
    static let test = ActivityInfo(
        workflowID: "w",
        executionID: "e",
        firstExecutionID: "e",
        activityID: "1",
        activityType: "Test",
        attempt: 1,
        scheduledAt: .distantPast,
        startedAt: .distantPast
    )
}

extension Never {
    /// Returns when the task is cancelled.
    static func comes() async -> Void? {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
        return nil
    }
}

/// Gives its attempt's predecessor's details, after leaving its own.
struct Beating: Activity {
    func run(_ input: Empty, in context: ActivityContext) async throws -> Int {
        if let details = try context.heartbeatDetails(as: Int.self) { return details }
        try context.heartbeat(41)
        try context.heartbeat(42)
        throw Flaky.Trouble(description: "after the heartbeat")
    }
}

/// Calls activities in a task group, one after another in each task.
struct Fan: Workflow {
    func run(_ width: Int, in context: WorkflowContext) async throws -> [Int] {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<width {
                group.addTask {
                    let once = try await context.execute(Increment.self, number * 10, options: .test)
                    return try await context.execute(Increment.self, once, options: .test)
                }
            }
            var sums: [Int] = []
            for try await sum in group { sums.append(sum) }
            return sums.sorted()
        }
    }
}

/// Calls one flaky activity with a policy.
struct Stubborn: Workflow {
    struct Input: Codable, Sendable {
        var failures: Int
        var policy: RetryPolicy
    }
    func run(_ input: Input, in context: WorkflowContext) async throws -> Int {
        try await context.execute(
            Flaky.self,
            input.failures,
            options: ActivityOptions(startToClose: .seconds(10), retryPolicy: input.policy)
        )
    }
}

/// Calls the activity that hangs, with limits.
struct Waiting: Workflow {
    func run(_ options: ActivityOptions, in context: WorkflowContext) async throws -> Int {
        try await context.execute(Hang.self, Empty(), options: options)
    }
}

struct Restarting: Workflow {
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        try await context.execute(Restartable.self, input, options: .test)
    }
}

/// Sleeps, and says how long it took.
struct Sleeper: Workflow {
    func run(_ seconds: Int, in context: WorkflowContext) async throws -> Double {
        let before = context.now
        try await context.sleep(for: .seconds(seconds))
        return context.now.timeIntervalSince(before)
    }
}

/// Counts up by activities, in a chain of executions.
struct Chain: Workflow {
    struct Cursor: Codable, Sendable {
        var count: Int
        var end: Int
    }
    func run(_ input: Cursor, in context: WorkflowContext) async throws -> Int {
        var cursor = input
        while cursor.count < cursor.end {
            cursor.count = try await context.execute(Increment.self, cursor.count, options: .test)
            if cursor.count < cursor.end, context.shouldContinueAsNew { throw ContinueAsNew(cursor) }
        }
        return cursor.count
    }
}

/// Starts chains as children and adds up what they give.
struct Parent: Workflow {
    struct Input: Codable, Sendable {
        var children: Int
        var end: Int
    }
    func run(_ input: Input, in context: WorkflowContext) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<input.children {
                group.addTask {
                    try await context.executeChild(
                        Chain.self,
                        id: "\(context.info.workflowID)/\(number)",
                        Chain.Cursor(count: 0, end: input.end)
                    )
                }
            }
            var sum = 0
            for try await result in group { sum += result }
            return sum
        }
    }
}

/// Starts one child that waits for ever, and ends.
struct Neglectful: Workflow {
    func run(_ policy: ParentClosePolicy, in context: WorkflowContext) async throws -> String {
        let child = try await context.startChild(
            Mailbox.self,
            id: "\(context.info.workflowID)/child",
            1,
            options: ChildWorkflowOptions(parentClosePolicy: policy)
        )
        return child.executionID
    }
}

/// Collects signals until it has as many as wanted; continues as new when told to.
struct Mailbox: Workflow {
    static let letter = SignalName<String>("letter")
    static let handOver = SignalName<Empty>("handOver")
    static let count = QueryName<Empty, Int>("count")

    func run(_ wanted: Int, in context: WorkflowContext) async throws -> [String] {
        let letters = Box<[String]>([])
        let isLeaving = Box(false)
        context.onQuery(Self.count) { _ in letters.value.count }
        context.onSignal(Self.handOver) { _ in isLeaving.value = true }
        if context.info.continuedCount == 0, wanted < 0 {
            // Takes no letter itself: they have to survive the hand-over.
            try await context.waitUntil { isLeaving.value }
            throw ContinueAsNew(-wanted)
        }
        context.onSignal(Self.letter) { letter in letters.value.append(letter) }
        try await context.waitUntil { letters.value.count >= wanted }
        return letters.value
    }
}

/// Calls activities one after the other, and never rests, until it is told to stop.
struct Restless: Workflow {
    static let stop = SignalName<Empty>("stop")

    func run(_ input: Empty, in context: WorkflowContext) async throws -> Empty {
        let isStopped = Box(false)
        context.onSignal(Self.stop) { _ in isStopped.value = true }
        while !isStopped.value {
            _ = try await context.execute(Increment.self, 1, options: ActivityOptions(startToClose: .seconds(60)))
            if context.shouldContinueAsNew { throw ContinueAsNew(Empty()) }
        }
        return Empty()
    }
}

/// Cleans up when it is asked to cancel.
struct Tidy: Workflow {
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        do {
            try await context.sleep(for: .seconds(86400 * 365))
            return 0
        } catch {
            _ = try await context.shielded { try await context.execute(Increment.self, 1000, options: .test) }
            throw error
        }
    }
}

/// Returns a text of a given length, or fails.
struct Large: Workflow {
    func run(_ length: Int, in context: WorkflowContext) async throws -> String {
        String(repeating: "x", count: length)
    }
}

/// Waits for something that is not its context's.
struct Stray: Workflow {
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        // Long enough that it never ends while the turn still runs, which would be no wait; it is cancelled when the engine lets go.
        try await Task.sleep(for: .seconds(3600))
        return 1
    }
}

/// Two versions of the same workflow: the second one asks for something else.
struct VersionOne: Workflow {
    static let workflowType = "Versioned"
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        let one = try await context.execute(Increment.self, 1, options: .test)
        try await context.sleep(for: .seconds(60))
        return try await context.execute(Increment.self, one, options: .test)
    }
}

struct VersionTwo: Workflow {
    static let workflowType = "Versioned"
    func run(_ input: Empty, in context: WorkflowContext) async throws -> Int {
        _ = try await context.execute(Flaky.self, 0, options: .test)
        return 0
    }
}

extension ActivityOptions {
    static let test = ActivityOptions(startToClose: .seconds(10))
}

final class Counter: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func add(_ key: String) { counts.withLock { $0[key, default: 0] += 1 } }
    var all: [String: Int] { counts.withLock { $0 } }
}

final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>
    init(_ value: Value) { content = Mutex(value) }
    var value: Value {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}

/// Opens once; those who wait go through then.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    init() { (stream, continuation) = AsyncStream<Void>.makeStream() }
    func open() { continuation.yield() }
    /// Waits for the next opening.
    func pass() async { for await _ in stream { return } }
}
