import CLibPQ

/// Where a PostgreSQL database is, and how to get in: whatever libpq understands.
///
/// Environment variables (`PGHOST` and its like), service files and `~/.pgpass` count, as libpq documents them:
/// https://www.postgresql.org/docs/15/libpq-connect.html
public struct PostgreSQLServer: Sendable {
    /// The URI or keywords, with whatever secrets they hold.
    let connectionInfo: String
    /// What the server's list of sessions shows, so that a person there knows whose session it is.
    let applicationName: String

    /// Takes a URI (`postgresql://…`) or keywords (`host=… dbname=…`, possibly none).
    ///
    /// - Parameter applicationName: names the sessions; PostgreSQL keeps 63 bytes of it.
    /// - Throws: ``SourceError`` when libpq does not understand it; the text does not repeat what was given, which may hold a password.
    public init(_ connectionInfo: String, applicationName: String = "backfill") throws {
        guard Self.isUnderstood(connectionInfo) else {
            throw SourceError(
                """
                libpq does not understand the connection string. Write postgresql://user@host/database (percent-encode blanks and \
                @ : / ? # in names and passwords), or postgresql:host=… user=… dbname=… with blanks between the keywords.
                """
            )
        }
        self.connectionInfo = connectionInfo
        self.applicationName = applicationName
    }

    /// Whether libpq takes it apart where its writer meant it to.
    ///
    /// A password with a bare `@` or `/` is cut there, and libpq's complaint about the host or port behind the cut would show the rest.
    private static func isUnderstood(_ connectionInfo: String) -> Bool {
        guard let options = PQconninfoParse(connectionInfo, nil) else { return false }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if String(cString: keyword) == "port", let port = option.pointee.val,
                !String(cString: port).allSatisfy({ $0.isWholeNumber || $0 == "," })
            {
                return false
            }
            option += 1
        }
        guard let scheme = connectionInfo.firstRange(of: "://") else { return true }
        let rest = connectionInfo[scheme.upperBound...]
        // What follows the user's part, or the host when there is none, up to the parameters.
        guard let end = rest.firstIndex(where: { $0 == "@" || $0 == "/" }) else { return true }
        return !rest[rest.index(after: end)...].prefix { $0 != "?" }.contains("@")
    }

    /// Parameters for `PQconnectdbParams`, in order: those before the connection string are defaults, those behind it final.
    var parameters: [(keyword: String, value: String)] {
        [
            ("connect_timeout", "10"),
            // A peer that vanished without a word is noticed within half a minute.
            ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
            ("dbname", connectionInfo),
            ("application_name", applicationName),
        ]
    }
}
