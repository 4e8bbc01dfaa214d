import Foundation

/// The Temporal server that the test command starts.
public enum TestTemporal {
    /// Its address; nil when tests are run without it, or were built without the package's trait Temporal: those that need it are left out.
    public static var address: String? {
        #if Temporal
        ProcessInfo.processInfo.environment["BACKFILL_TEST_TEMPORAL"].flatMap { $0.isEmpty ? nil : $0 }
        #else
        nil
        #endif
    }

    /// For `.enabled(if:)`.
    public static var isThere: Bool { address != nil }
}
