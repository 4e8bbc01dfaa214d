import Foundation

/// The PostgreSQL server that the test command starts.
public enum TestPostgreSQL {
    /// Its URL; nil when tests are run without it, and those that need it are left out.
    public static let url = ProcessInfo.processInfo.environment["BACKFILL_TEST_POSTGRESQL"]

    /// For `.enabled(if:)`.
    public static var isThere: Bool { url != nil }

    /// The URL of a session whose unqualified names are those of a schema.
    public static func url(schema: String) -> String {
        let base = url ?? ""
        return base + (base.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(schema)"
    }
}
