import Foundation

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

    static func unreachable(_ database: StateDatabase, cause: String) -> StateError {
        StateError(
            description: """
                The state database \(database) cannot be reached: \(cause). Nothing is lost: when it is back, type the same again.
                """
        )
    }

    static func refused(_ database: StateDatabase, cause: String) -> StateError {
        StateError(
            description: """
                The state database \(database) refuses: \(cause). The user needs the right to make the schema \(database.schema) \
                (CREATE on the database), or to own it; nobody else changes its tables.
                """
        )
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
