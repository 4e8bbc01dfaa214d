/// How long a redelivery waits: `initial` after the first failure, `coefficient` times longer after each further one,
/// never longer than `maximum`.
public struct Backoff: Sendable, Hashable {
    /// The wait after the first failure, before jitter.
    public var initial: Duration
    /// At least 1; smaller values count as 1.
    public var coefficient: Double
    /// Bounds the wait before jitter, which only ever shortens it.
    public var maximum: Duration
    /// The part of a wait that chance may take away, from 0 (none) to 1 (all of it); keeps subscriptions that failed
    /// together from coming back together.
    public var jitter: Double

    /// The defaults bring the fifth attempt after about one and a half seconds: a locked table has time to come free,
    /// a hopeless message does not hold its bucket for long.
    public init(
        initial: Duration = .milliseconds(100),
        coefficient: Double = 2,
        maximum: Duration = .seconds(30),
        jitter: Double = 0.2
    ) {
        self.initial = initial
        self.coefficient = coefficient
        self.maximum = maximum
        self.jitter = jitter
    }

    /// The wait after `failures` failures in a row, at least 1.
    ///
    /// - Parameter chance: From 0 to 1; how much of the jitter to take away.
    package func wait(afterFailures failures: Int, chance: Double) -> Duration {
        let longest = max(maximum, .zero)
        var wait = min(max(initial, .zero), longest)
        let growth = max(coefficient, 1)
        // Stops at the maximum, so that a large count neither overflows nor loops for long.
        var step = 1
        while step < failures, wait < longest, growth > 1, wait > .zero {
            wait = wait > longest / growth ? longest : wait * growth
            step += 1
        }
        return wait * (1 - min(max(jitter, 0), 1) * min(max(chance, 0), 1))
    }
}
