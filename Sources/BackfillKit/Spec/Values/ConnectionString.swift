public import Foundation

/// Where a database is: `sqlite:<path>`, `postgresql://user@host/database`, or `postgresql:` with libpq's keywords behind it.
public struct ConnectionString: Hashable, Sendable, CustomStringConvertible {
    /// The databases there are connectors for, and what each needs.
    public enum Place: Hashable, Sendable {
        /// The database file, absolute; relative paths in the spec are relative to the spec file. Error texts may name it: a path is
        /// no place for a secret.
        case sqlite(file: URL)
        /// The whole URI or the keywords, as libpq takes them.
        case postgresql(SecretText)
    }

    /// Kind and place.
    public var place: Place
    /// The connection string with variables unresolved and passwords starred out.
    public var redacted: String

    /// The redacted form.
    public var description: String { redacted }
}

extension ConnectionString: CustomDebugStringConvertible, CustomReflectable {
    /// The redacted form, quoted.
    public var debugDescription: String { redacted.debugDescription }

    /// Shows the redacted form only: a variable may be part of a file's path too.
    public var customMirror: Mirror { Mirror(self, children: ["redacted": redacted]) }
}
