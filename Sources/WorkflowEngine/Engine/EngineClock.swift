public import Foundation

/// The time by which an engine works: durable timers are dates, since they outlive the process.
public protocol EngineClock: Sendable {
    /// The present date.
    var now: Date { get }
    /// Returns at the date or after it; throws `CancellationError` when the task is cancelled before.
    func sleep(until date: Date) async throws
}

/// The machine's clock.
public struct SystemClock: EngineClock {
    /// The machine's clock.
    public init() {}

    /// The present date.
    public var now: Date { Date() }

    /// Looks at the date again at least every minute, since the wall clock may be set while a long timer runs.
    public func sleep(until date: Date) async throws {
        while true {
            let rest = date.timeIntervalSinceNow
            if rest <= 0 { return }
            try await Task.sleep(for: .seconds(min(rest, 60)))
        }
    }
}
