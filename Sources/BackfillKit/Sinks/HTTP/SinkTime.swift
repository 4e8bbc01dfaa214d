/// Time as a sink lives by it; tests put theirs in its place.
struct SinkTime: Sendable {
    /// Since some instant.
    var now: @Sendable () -> Duration
    /// Ends at once, with `CancellationError`, when its task is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void

    /// The machine's.
    static var real: SinkTime {
        let start = ContinuousClock.now
        return SinkTime(now: { start.duration(to: .now) }, sleep: { try await Task.sleep(for: $0) })
    }
}
