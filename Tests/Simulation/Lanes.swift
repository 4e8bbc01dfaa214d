import Foundation
import Synchronization

/// Runs seeds on threads of their own.
package enum Lanes {
    /// How long a seed may take on a busy machine.
    private static let patience = Duration.seconds(60)

    /// - Parameters:
    ///   - threads: how many seeds are simulated at once.
    ///   - note: called with each report as it comes, one at a time.
    /// - Throws: when what all seeds share cannot be made.
    package static func run(
        _ seeds: ClosedRange<UInt64>,
        threads: Int = max(2, ProcessInfo.processInfo.activeProcessorCount),
        _ simulate: @escaping @Sendable (UInt64) -> Simulation.Report = { Simulation.run($0) },
        note: @escaping @Sendable (Simulation.Report) -> Void
    ) async throws {
        try World.prepare()
        let work = Work(Atomic(seeds.lowerBound))
        // A thread of real time: a simulation that blocks its own thread cannot say so.
        let watch = Task {
            while true {
                try await Task.sleep(for: .seconds(5))
                let stuck = work.begun.withLock { $0.first { $0.value < .now - patience }?.key }
                if let stuck { fatalError("\(Simulation.command(of: stuck)) does not get on") }
            }
        }
        defer { watch.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        start {
                            while true {
                                let seed = work.next.wrappingAdd(1, ordering: .relaxed).oldValue
                                guard seed <= seeds.upperBound else { break }
                                work.begun.withLock { $0[seed] = .now }
                                let report = simulate(seed)
                                work.begun.withLock { $0[seed] = nil }
                                work.noting.withLock { _ in note(report) }
                            }
                            continuation.resume()
                        }
                    }
                }
            }
        }
    }

    /// Runs a simulation on a thread of its own.
    static func alone(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            start { continuation.resume(with: Result { try body() }) }
        }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = 8 << 20
        thread.start()
    }

    private final class Work: Sendable {
        let next: Atomic<UInt64>
        let noting = Mutex(())
        /// When the seeds that are being simulated were begun.
        let begun = Mutex<[UInt64: ContinuousClock.Instant]>([:])
        init(_ next: consuming Atomic<UInt64>) { self.next = next }
    }
}
