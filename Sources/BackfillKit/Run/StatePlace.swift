public import Foundation
import SQLConnectors

/// Where the state of runs is kept.
public enum StatePlace: Sendable {
    /// A folder, for processes that share a file system.
    case folder(StateFolder)
    /// A PostgreSQL database, for workers of a cluster that share nothing else.
    case database(StateDatabase)

    /// Takes what `--state` says: a folder, or `postgresql://…` with `${VARIABLES}`.
    ///
    /// - Parameter current: what a relative path is relative to, and where copies of results of a database lie.
    /// - Throws: ``StateError`` for a connection string that is none.
    public init(_ text: String, environment: [String: String], current: URL = .currentDirectory()) throws {
        if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") {
            self = .database(try StateDatabase(text, environment: environment))
        } else if ["postgresql:", "postgres:"].contains(where: text.lowercased().hasPrefix) {
            throw StateError(
                description:
                    "A database for the state is named by postgresql://USER@HOST/DATABASE, in small letters, not by libpq's keywords."
            )
        } else {
            self = .folder(
                StateFolder(URL(filePath: text, directoryHint: .isDirectory, relativeTo: current).absoluteURL)
            )
        }
    }
}

extension StatePlace: CustomStringConvertible {
    /// As a person may see it.
    public var description: String {
        switch self {
        case .folder(let folder): folder.url.path
        case .database(let database): "\(database)"
        }
    }
}

/// A schema of a PostgreSQL database in which runs are kept: plans, checkpoints, dead letters, and the staged results as files in parts.
public struct StateDatabase: Sendable, CustomStringConvertible {
    let server: PostgreSQLServer
    /// The schema; made when it is not there.
    let schema: String
    /// The connection string with passwords starred out.
    public let description: String
    /// Whether a password stands in the text itself.
    public let showsPassword: Bool

    static let defaultSchema = "backfill"

    /// Takes `postgresql://user@host/database`, with `${VARIABLES}`; `?schema=NAME` names another schema than `backfill`.
    ///
    /// - Throws: ``StateError``.
    public init(_ text: String, environment: [String: String]) throws {
        let variables = Variables(in: text, environment: environment)
        description = Redaction.redact(variables.shown)
        showsPassword = description != variables.shown
        switch variables.faults.first?.fault {
        case .notSet(let name):
            throw StateError(description: "--state \(description): the environment variable \(name) is not set.")
        case .malformed:
            throw StateError(description: "--state \(description): after ${ there has to be a variable's name, and }.")
        case nil: break
        }
        let (address, schema) = try Self.takingSchema(out: variables.value, description)
        self.schema = schema
        do {
            server = try PostgreSQLServer(address, applicationName: "backfill state")
        } catch {
            throw StateError(description: "--state \(description): \(error)")
        }
    }

    /// libpq does not know `schema=NAME`.
    private static func takingSchema(out address: String, _ description: String) throws -> (String, String) {
        guard let mark = address.firstIndex(of: "?") else { return (address, defaultSchema) }
        var parameters = address[address.index(after: mark)...].split(separator: "&")
        guard let place = parameters.firstIndex(where: { $0.hasPrefix("schema=") }) else {
            return (address, defaultSchema)
        }
        let schema = parameters.remove(at: place).dropFirst("schema=".count).removingPercentEncoding ?? ""
        // PostgreSQL cuts longer names, and those with pg_ are its own.
        guard (1...63).contains(schema.utf8.count), !schema.hasPrefix("pg_") else {
            throw StateError(
                description: "--state \(description): a schema's name has 1 to 63 bytes and does not begin with pg_."
            )
        }
        let rest = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        return (address[..<mark] + rest, schema)
    }
}
