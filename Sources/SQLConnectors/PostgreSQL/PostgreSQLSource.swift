public import Foundation

/// A PostgreSQL database that records are read from. It is never written to.
public struct PostgreSQLSource: Sendable {
    let server: PostgreSQLServer
    /// For error texts: the connection string as it may be shown.
    let name: String
    /// The instant that direct reads see together.
    let instant: HeldInstant

    /// Names a database; it is opened when it is needed.
    ///
    /// - Parameter name: the connection string as error texts may show it, without a password.
    public init(_ server: PostgreSQLServer, name: String) {
        self.server = server
        self.name = name
        instant = HeldInstant()
    }

    /// Opens a session in one read-only transaction, in which every statement sees the same instant.
    ///
    /// - Parameter snapshot: an exported snapshot whose instant to see; nil takes the present one.
    func open(snapshot: String? = nil) throws -> PostgreSQLConnection {
        do {
            let connection = try PostgreSQLConnection(server)
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if let snapshot { try connection.execute("SET TRANSACTION SNAPSHOT '\(snapshot)'") }
            return connection
        } catch let failure as PostgreSQLFailure {
            throw sourceError(failure)
        }
    }

    /// What a failure to reach the source, or to go on with it, means to a person.
    func sourceError(_ failure: PostgreSQLFailure) -> any Error {
        switch failure.meaning {
        case .unavailable, .lostRace, .timedOut:
            SourceUnavailable(
                description:
                    "The source \(name) cannot be read just now: \(failure.text). Check that the server runs, and what the connection string says."
            )
        case .refused, .record: SourceError("The source \(name) cannot be read: \(failure.text).")
        }
    }
}

extension PostgreSQLSource: RecordSource {
    /// Checks a query without running it: one statement, only reading, its parameters, its columns and key.
    public func check(_ query: SourceQuery) async throws -> RecordSchema {
        let source = self
        return try await SerialWorker(label: "check query", ()).run { _ in
            try PostgreSQLReading(query, source: source, on: source.open()).schema
        }
    }

    /// Stages a query's rows as a SQLite file, over COPY, in one read-only snapshot; no more than a row is held in memory.
    public func stage(
        _ query: SourceQuery,
        as fileName: String,
        in folder: URL,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> StagedResult {
        try await stage(query, as: fileName, in: folder, snapshot: nil, progress: progress)
    }

    /// Stages queries one after the other so that all see the same instant, by an exported snapshot.
    public func stageTogether(
        _ queries: [(query: SourceQuery, fileName: String)],
        in folder: URL,
        progress: @escaping @Sendable (_ query: Int, _ records: Int64) -> Void
    ) async throws -> [StagedResult] {
        let source = self
        let instant = HeldInstant()
        let snapshot = try instant.snapshot(of: source)
        var results: [StagedResult] = []
        for (index, entry) in queries.enumerated() {
            results.append(
                try await stage(entry.query, as: entry.fileName, in: folder, snapshot: snapshot) {
                    progress(index, $0)
                }
            )
        }
        instant.letGo()
        return results
    }

    private func stage(
        _ query: SourceQuery,
        as fileName: String,
        in folder: URL,
        snapshot: String?,
        progress: @escaping @Sendable (_ records: Int64) -> Void
    ) async throws -> StagedResult {
        let control = StagingControl(progress: progress)
        let file = StagedFile(query: query, place: folder.appending(path: fileName), control: control)
        let source = self
        return try await control.run(query) {
            try PostgreSQLStaging(source: source, file: file, snapshot: snapshot).run()
        }
    }
}
