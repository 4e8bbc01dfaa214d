import Foundation
import SQLConnectors

/// Something is wrong with the state folder itself.
public struct StateError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    static func empty(_ folder: URL) -> StateError {
        StateError(
            description: """
                There are no runs in \(folder.path). Start one with: backfill run SPEC, or name the folder that has them with --state DIR.
                """
        )
    }

    static func empty(_ database: StateDatabase) -> StateError {
        StateError(
            description: """
                There are no runs in \(database), schema \(database.schema). Start one with: backfill run SPEC, or name the database that has \
                them with --state.
                """
        )
    }

    static func newerVersion(_ database: StateDatabase) -> StateError {
        StateError(
            description: """
                The schema \(database.schema) of \(database) was written by a newer version of backfill and is left untouched. \
                Use that version, or another schema (?schema=NAME).
                """
        )
    }

    static func refused(_ database: StateDatabase, cause: String, isRightMissing: Bool) -> StateError {
        let advice =
            isRightMissing
            ? """
             The user needs the right to make the schema \(database.schema) (CREATE on the database), or to own it; nobody else changes its \
            tables.
            """ : ""
        return StateError(description: "The state database \(database) refuses: \(cause).\(advice)")
    }

    static func newerVersion(file: URL) -> StateError {
        StateError(
            description: """
                \(file.path) was written by a newer version of backfill and is left untouched. \
                Use that version, or another state folder (--state DIR).
                """
        )
    }

    static func unusable(file: URL, cause: String) -> StateError {
        StateError(
            description: """
                The state file \(file.path) cannot be used: \(cause). \
                Check the folder's permissions and free space, or name another with --state DIR.
                """
        )
    }

    static func folder(_ folder: URL, cause: String) -> StateError {
        StateError(
            description: """
                The state folder \(folder.path) cannot be made or written: \(cause). \
                Check its permissions, or name another with --state DIR.
                """
        )
    }
}

/// The database that holds the state does not answer just now: later it may.
public struct StateUnavailable: Error, CustomStringConvertible, Sendable {
    /// Which one, and what to do.
    public let description: String

    init(_ database: StateDatabase, cause: String) {
        description = """
            The state database \(database) cannot be reached: \(cause). Nothing is lost: when it is back, type the same again.
            """
    }

    init(file: String, cause: String) {
        description = """
            The file \(file) of the state database cannot be read or written just now: \(cause). Nothing is lost: it is tried again.
            """
    }
}

extension PostgreSQLFailure {
    /// Whether the same may work a little later.
    var passes: Bool {
        switch meaning {
        case .unavailable: !isRefusedConnection
        case .lostRace, .timedOut: true
        case .refused, .record: false
        }
    }

    /// A server that says no to a connection gives no SQLSTATE to libpq's callers, only its words.
    private var isRefusedConnection: Bool {
        state == nil
            && ["authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied"]
                .contains { message.contains($0) }
    }

    /// Whether a right is missing, by the classes of https://www.postgresql.org/docs/15/errcodes-appendix.html
    var isRightMissing: Bool { state == "42501" || state?.hasPrefix("3F") == true }
}
