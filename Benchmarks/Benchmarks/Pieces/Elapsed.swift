import Foundation

/// How long something took, by the clock and in the time of all cores.
struct Elapsed {
    /// By the clock.
    var seconds: Double
    /// Of all of the process's threads.
    var cpuSeconds: Double

    /// Measures what the body does.
    static func during(_ body: () async throws -> Void) async rethrows -> Elapsed {
        let start = (time(CLOCK_MONOTONIC), time(CLOCK_PROCESS_CPUTIME_ID))
        try await body()
        return Elapsed(
            seconds: time(CLOCK_MONOTONIC) - start.0,
            cpuSeconds: time(CLOCK_PROCESS_CPUTIME_ID) - start.1
        )
    }

    private static func time(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
