/// What PostgreSQL, or libpq on the way to it, answered instead of success.
package struct PostgreSQLFailure: Error, CustomStringConvertible {
    /// The SQLSTATE; nil when there was no answer: the connection could not be made, or was lost.
    package var state: String?
    /// The server's primary message, or libpq's text.
    package var message: String
    /// The server's advice.
    var hint: String?
    /// Position in the statement that the error is about, in characters from 1.
    var position: Int?
    /// Where the server was at work, such as `COPY t, line 3, column c: "…"`. It may quote a record: for finding, not for showing.
    var context: String?
    /// The column that a NOT NULL violation or a domain names.
    var column: String?

    package var description: String { message }

    /// What a failure says about what to do next.
    package enum Meaning {
        /// The connection is gone or cannot be made, the server starts, stops, or is out of room: later it may work.
        case unavailable
        /// The transaction lost against others; the same again may win.
        case lostRace
        /// Another session holds a lock for too long, or a time limit ended the statement.
        case timedOut
        /// The statement does not fit the database as it is: a table or column is missing, a right, the SQL is wrong.
        case refused
        /// A record's values are to blame: wrong form, a constraint, a trigger that objects.
        case record
    }

    /// By the classes of https://www.postgresql.org/docs/15/errcodes-appendix.html
    package var meaning: Meaning {
        guard let state else { return .unavailable }
        switch state {
        case "40001", "40P01": return .lostRace
        case "55P03", "57014", "25P03": return .timedOut
        default: break
        }
        switch state.prefix(2) {
        // Connection, resources, limits, operator intervention, system error, configuration, internal error.
        case "08", "53", "54", "57", "58", "F0", "XX": return .unavailable
        // Authorization, catalogue or schema name, syntax or access rule, object state, transaction state.
        case "28", "3D", "3F", "42", "55", "25", "0A": return .refused
        default: return .record
        }
    }

    /// The message with the server's advice, in one line.
    package var text: String {
        let message = Self.inOneLine(message)
        guard let hint, !hint.isEmpty else { return message }
        return "\(message) (\(Self.inOneLine(hint)))"
    }

    /// libpq indents the lines of its advice by tabs.
    private static func inOneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.joined(separator: " ")
    }
}
