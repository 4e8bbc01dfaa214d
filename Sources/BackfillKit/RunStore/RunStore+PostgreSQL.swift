public import Foundation
import SQLConnectors

/// The store in a PostgreSQL database.
extension RunStore {
    /// Opens the store for a process that works on runs; makes its schema when it is not there.
    ///
    /// - Parameter now: the time; nil for the database's, so that machines whose clocks differ write down times that fit together.
    /// - Throws: ``StateUnavailable`` when the database cannot be reached; ``StateError`` when it refuses, or comes from a newer version of this tool.
    public static func open(_ database: StateDatabase, now: (@Sendable () -> Date)? = nil) async throws -> RunStore {
        let backend = PostgreSQLStore(database)
        let schema = database.schema
        let standing = try await backend.immediately { connection in
            let found = try PostgreSQLSchema.standing(of: schema, on: connection)
            if found == .current || found == .newer { return found }
            try PostgreSQLSchema.make(schema, on: connection)
            return try PostgreSQLSchema.standing(of: schema, on: connection)
        }
        guard standing == .current else { throw StateError.newerVersion(database) }
        return try await opened(backend, database, now)
    }

    /// Opens the store for a process that only looks; nil when there is none yet.
    ///
    /// - Throws: ``StateUnavailable`` when the database cannot be reached; ``StateError`` when it refuses, or comes from a newer version of this tool.
    public static func openIfThere(_ database: StateDatabase) async throws -> RunStore? {
        let backend = PostgreSQLStore(database)
        let schema = database.schema
        switch try await backend.immediately({ try PostgreSQLSchema.standing(of: schema, on: $0) }) {
        case .none: return nil
        case .newer: throw StateError.newerVersion(database)
        // An older version's: whoever looks at it first brings it up to date.
        case .older: return try await open(database)
        case .current: return try await opened(backend, database, nil)
        }
    }

    /// Opens the store for a process that only looks.
    ///
    /// - Throws: ``StateUnavailable``; ``StateError``, also when there is none yet.
    public static func require(_ database: StateDatabase) async throws -> RunStore {
        guard let store = try await openIfThere(database) else { throw StateError.empty(database) }
        return store
    }

    private static func opened(
        _ backend: PostgreSQLStore,
        _ database: StateDatabase,
        _ now: (@Sendable () -> Date)?
    ) async throws -> RunStore {
        let files = PostgreSQLFiles(database.server, schema: database.schema)
        if let now { return RunStore(backend, files: files, now: now) }
        let ahead = try await backend.immediately { connection in
            let asked = Date()
            let told = try connection.execute("SELECT extract(epoch FROM clock_timestamp())")[0, 0].flatMap(Double.init)
            // It was told in the middle of the way there and back.
            let middle = asked.timeIntervalSince1970 + Date().timeIntervalSince(asked) / 2
            return told.map { $0 - middle } ?? 0
        }
        return RunStore(backend, files: files) { Date(timeIntervalSinceNow: ahead) }
    }
}
