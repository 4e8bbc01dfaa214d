import Foundation
import SQLConnectors

extension SpecReader {
    mutating func connectionString(_ field: SpecField) -> ConnectionString? {
        guard let text = text(field, expected: "a connection string") else { return nil }
        let advice = "Write sqlite:<path>, or postgresql://user@host/database."
        guard let colon = text.value.firstIndex(of: ":"), colon != text.value.startIndex else {
            note(field, "expected a connection string, found \(text.found)", advice)
            return nil
        }
        let rest = text.value[text.value.index(after: colon)...]
        let redacted = Redaction.redact(text.shown)
        switch text.value[..<colon].lowercased() {
        case "sqlite":
            return sqliteFile(rest, text: text).map { ConnectionString(place: .sqlite(file: $0), redacted: redacted) }
        case "postgresql", "postgres":
            // A URI is libpq's whole; before keywords (`postgresql:host=… dbname=…`) the scheme is ours.
            let connection = rest.hasPrefix("//") ? text.value : String(rest)
            if (try? PostgreSQLServer(connection)) == nil {
                note(field, "libpq does not understand the connection string", Self.postgreSQLAdvice)
                return nil
            }
            return ConnectionString(
                place: .postgresql(SecretText(secret: connection, redacted: redacted)),
                redacted: redacted
            )
        default:
            // The scheme is shown only as written: a variable's value is never shown, not even its beginning.
            let scheme = text.hasVariables ? text.found : String(text.value[..<colon]).quoted
            note(
                field,
                "there is no connector for \(scheme)",
                text.hasVariables
                    ? advice : Nearest.advice(for: String(text.value[..<colon]), among: ["sqlite", "postgresql"])
            )
            return nil
        }
    }

    private static let postgreSQLAdvice =
        "Write postgresql://user@host/database (blanks and @ : / ? # percent-encoded in names and passwords), "
        + "or postgresql:host=… user=… dbname=… with blanks between the keywords."

    private mutating func sqliteFile(_ path: Substring, text: ReadText) -> URL? {
        let path = path.trimmingBlanks
        if path.isEmpty {
            note(text.field, "the connection string names no file", "Write sqlite:<path>.")
        } else if path.hasPrefix("//") {
            note(
                text.field,
                "sqlite:// means different paths to different programs",
                "Write sqlite:<path> for a path beside the spec file, sqlite:/<path> for an absolute one."
            )
        } else if path == ":memory:" {
            note(text.field, "a database in memory is gone when the process ends", "Write sqlite:<path>.")
        } else {
            return files.url(String(path))
        }
        return nil
    }
}
