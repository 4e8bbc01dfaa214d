import Foundation
import Logging
import SQLConnectors
import Workflows

/// From what a spec says to what reads and writes.
extension BackfillSpec {
    /// - Parameter session: names the sessions that a server shows.
    func openSource(session: String) throws -> any RecordSource {
        switch source.place {
        case .sqlite(let file): return SQLiteSource(file)
        case .postgresql(let connection):
            let server = try PostgreSQLServer(connection.secret, applicationName: session)
            return PostgreSQLSource(server, name: source.redacted)
        }
    }

    /// A stored query as the source takes it; a catch-up goes by the spec's query of the same place.
    func sourceQuery(for stored: StoredQuery) throws -> SourceQuery {
        let isOwn = queries.contains { $0.name == stored.name }
        let name = isOwn || !queries.indices.contains(stored.position) ? stored.name : queries[stored.position].name
        return try sourceQuery(named: name)
    }

    /// A query as the source takes it.
    func sourceQuery(named name: String) throws -> SourceQuery {
        guard let query = queries.first(where: { $0.name == name }) else {
            throw SourceError("The spec has no query \(name).")
        }
        return SourceQuery(
            name: query.name,
            sql: query.sql.text,
            origin: query.sql.origin,
            key: query.key,
            parameters: query.parameters.mapValues { value in
                switch value {
                case .null: .null
                case .integer(let integer): .integer(integer)
                case .real(let real): .real(real)
                case .text(let text): .text(text.secret)
                }
            }
        )
    }

    /// The sinks, nothing of them open yet.
    ///
    /// - Parameters:
    ///   - logger: told when a sink waits.
    ///   - busy: told when a sink's server asks to be left alone, and for how long.
    ///   - faults: called around each commit of a sink; what it throws breaks the work off there.
    func makeSinks(
        for run: RunID,
        logger: Logger? = nil,
        busy: @escaping @Sendable (_ sink: String, _ wait: Duration) -> Void = { _, _ in },
        faults: @escaping @Sendable (_ moment: String) throws -> Void = { _ in }
    ) throws -> [any Sink] {
        try zip(sinks, sinks.subscriptionNames).map { sink, name in
            switch sink {
            case .table(let table):
                return TableSink(try table.open(session: "backfill \(run)"), name: name, faults: faults)
            case .file(let file):
                let target = FileTarget(file: file.file, format: file.format)
                return FileSink(target, name: name, run: run, faults: faults)
            case .http(let http): return try HTTPSink(http, name: name, logger: logger) { busy(name, $0) }
            }
        }
    }

    /// Cuts a staged result as `buckets` says.
    func plan(_ staged: StagedResult, in results: URL) async throws -> BucketPlan {
        switch buckets.measure {
        case .records: return try .byRecords(buckets.target, recordCount: staged.recordCount)
        case .bytes:
            let reader = try StagedReader(staged.location(in: results), schema: staged.schema)
            var total: Int64 = 0
            for try await sizes in reader.sizes() { total += sizes.reduce(0) { $0 + Int64($1) } }
            var cutter = try ByteBucketCutter(buckets.target, recordCount: staged.recordCount, byteCount: total)
            var ordinal: Int64 = 0
            for try await sizes in reader.sizes() {
                for size in sizes {
                    ordinal += 1
                    try cutter.add(ordinal: ordinal, byteCount: size)
                }
            }
            return try cutter.finish()
        }
    }
}

extension TableSinkSpec {
    /// The table; nothing is opened before its first use.
    ///
    /// - Parameter session: names the sessions that a server shows.
    func open(session: String) throws -> any RecordTable {
        let target = TableTarget(
            table: name,
            mode: mode == .append ? .append : .upsert(unlessNewer: unlessNewer),
            create: createsTable,
            key: key
        )
        switch database.place {
        case .sqlite(let file): return SQLiteTable(file, target)
        case .postgresql(let connection):
            let server = try PostgreSQLServer(connection.secret, applicationName: session)
            return PostgreSQLTable(server, target, name: database.redacted)
        }
    }
}
