import Foundation
import UnixSignals

/// Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one leaves at once (the state is safe either way).
enum Interruption {
    /// Returns true at the first signal, false when the task is cancelled before one comes.
    static func wait() async -> Bool {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals {
            Task {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { exit(ExitStatus.interrupted) }
            }
            return true
        }
        return false
    }
}
