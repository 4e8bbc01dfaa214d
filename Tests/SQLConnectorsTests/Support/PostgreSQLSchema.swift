import Foundation
import TestSupport

@testable import SQLConnectors

/// A schema of one test's own on the test server; gone with its last reference.
final class PostgreSQLSchema: Sendable {
    let name = "test_" + UUID().uuidString.replacing("-", with: "").lowercased()
    var url: String { TestPostgreSQL.url(schema: name) }

    /// - Parameter sql: makes what the test needs in the schema.
    init(_ sql: String = "") throws {
        try connect(to: TestPostgreSQL.url ?? "").execute("CREATE SCHEMA \(name)")
        try execute(sql)
    }

    deinit { _ = try? connect(to: TestPostgreSQL.url ?? "").execute("DROP SCHEMA \(name) CASCADE") }

    var server: PostgreSQLServer { get throws { try PostgreSQLServer(url, applicationName: name) } }
    var source: PostgreSQLSource { get throws { PostgreSQLSource(try server, name: "the test source") } }

    /// A table to write to; another session's lock is waited for as long as a busy machine may need unless `patience` says otherwise.
    func table(
        _ name: String = "t",
        _ mode: TableTarget.Mode = .append,
        create: Bool = false,
        key: String? = nil,
        patience: Duration = .seconds(60)
    ) throws -> PostgreSQLTable {
        let target = TableTarget(table: name, mode: mode, create: create, key: key, busyTimeout: patience)
        return PostgreSQLTable(try server, target, name: "the test target")
    }

    /// Opens a session as another program would.
    func connect() throws -> PostgreSQLConnection { try connect(to: url) }

    private func connect(to url: String) throws -> PostgreSQLConnection {
        try PostgreSQLConnection(PostgreSQLServer(url, applicationName: "\(name) observer"))
    }

    @discardableResult
    func execute(_ sql: String) throws -> PostgreSQLConnection.Rows { try connect().execute(sql) }

    /// All rows of a statement, columns joined by `|`.
    func rows(_ sql: String) throws -> [String] {
        let columns = try connect().describe(sql).columns.count
        let rows = try execute(sql)
        return (0..<rows.count).map { row in
            (0..<columns).map { rows[row, $0] ?? "NULL" }.joined(separator: "|")
        }
    }

    func query(_ sql: String, key: String = "id", _ parameters: [String: Value] = [:]) -> SourceQuery {
        SourceQuery(name: "q", sql: sql, origin: "q.sql", key: key, parameters: parameters)
    }

    /// Stages a query and reads all of it.
    func staged(_ sql: String, key: String = "id", _ parameters: [String: Value] = [:], in folder: ScratchFolder)
        async throws
        -> RecordBatch
    {
        let result = try await source.stage(query(sql, key: key, parameters), as: "\(UUID()).sqlite", in: folder.url)
        return try await StagedReader(result.location(in: folder.url), schema: result.schema)
            .read(from: 1, to: result.recordCount + 1, limit: BatchLimit(records: .max, bytes: .max))
    }
}
