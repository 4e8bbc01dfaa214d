import Foundation
import TestSupport
import Testing

/// A schema of one test's own on a PostgreSQL server, asked by `psql` as a person would.
struct PostgreSQLPlace: Sendable {
    let url: String
    let schema: String

    /// Calls with a new schema on the test server, and removes it.
    static func with(_ body: (PostgreSQLPlace) async throws -> Void) async throws {
        try await with(server: TestPostgreSQL.url ?? "", body)
    }

    static func with(server: String, _ body: (PostgreSQLPlace) async throws -> Void) async throws {
        let schema = "test_" + UUID().uuidString.replacing("-", with: "").lowercased()
        let place = PostgreSQLPlace(url: server + "?options=-csearch_path%3D\(schema)", schema: schema)
        try await place.sql("CREATE SCHEMA \(schema)")
        do {
            try await body(place)
        } catch {
            _ = try? await place.sql("DROP SCHEMA \(schema) CASCADE")
            throw error
        }
        try await place.sql("DROP SCHEMA \(schema) CASCADE")
    }

    /// Runs statements; the rows of the last, columns joined by `|`, NULL as `∅`.
    @discardableResult
    func sql(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [String] {
        let end = try await CommandLineTool.run(
            ["psql", url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-P", "null=∅", "-c", text]
        )
        try #require(end.status == 0, "\(end.output)", sourceLocation: sourceLocation)
        return end.output.split(separator: "\n").map(String.init)
    }

    /// Makes a table `person` as ``Workplace/makeSource(records:)`` does in SQLite.
    func makeSource(records: Int) async throws {
        try await sql(
            """
            CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, note text, score double precision NOT NULL);
            INSERT INTO person SELECT i, 'Zoë "' || i || '" O''Brien',
                CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'a' || chr(10) || 'b,c' ELSE '' END, i / 8.0
            FROM generate_series(1, \(records)) i;
            """
        )
    }

    /// What a table of persons holds, to be compared: how many rows, and a checksum over all of them in order.
    func digest(_ table: String) async throws -> String {
        try await sql(
            "SELECT count(*), md5(string_agg(concat_ws('|', id, name, coalesce(note, '∅'), score), chr(10) ORDER BY id)) FROM \(table)"
        ).joined()
    }

    /// Sessions that a run has on the server.
    static func sessions(of run: String) -> String { "application_name LIKE '%\(run)%' AND pid <> pg_backend_pid()" }

    // MARK: In specs

    /// A `source:` or `database:`.
    var connection: String { "\"\(url)\"" }

    func table(_ name: String, _ mode: String, create: Bool = true) -> String {
        "table: {database: \(connection), name: \(name), mode: \(mode), create: \(create)}"
    }
}

/// Programs of the system, run to their end.
enum CommandLineTool {
    /// - Returns: exit status, and both streams together.
    static func run(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        // A file, not a pipe: a server that is started keeps what it inherits, and its end would be waited for.
        let folder = try ScratchFolder()
        try Data().write(to: folder.file("output"))
        let output = try FileHandle(forWritingTo: folder.file("output"))
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        let (ends, continuation) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
        try process.run()
        try output.close()
        var status: Int32 = -1
        for await last in ends { status = last }
        return (status, String(decoding: try Data(contentsOf: folder.file("output")), as: UTF8.self))
    }
}
