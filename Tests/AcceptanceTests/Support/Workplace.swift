import Foundation
import GRDB

/// A folder of its own for one test: the source, the spec, the targets and the state folder lie in it. On a cluster it has a worker too.
struct Workplace: Sendable {
    let folder: URL
    let engine: Engine
    /// Empty on the embedded engine.
    let workers: Workers

    /// Calls with a new folder, and removes it.
    ///
    /// - Parameters:
    ///   - engine: where runs of the folder are worked on.
    ///   - options: of the workers that a cluster's folder has.
    static func with(
        on engine: Engine = .embedded,
        workers options: [String] = [],
        _ body: (Workplace) async throws -> Void
    ) async throws {
        switch engine {
        case .embedded: try await Workplace(on: engine, workers: []).with(body)
        case .cluster:
            try await Places.onCluster.hold { try await Workplace(on: engine, workers: options).with(body) }
        }
    }

    private init(on engine: Engine, workers options: [String]) throws {
        self.engine = engine
        folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appending(path: "backfill-acceptance-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        workers = Workers(in: folder, options: options)
        if let address = engine.address { try workers.start(engine: address) }
    }

    private func with(_ body: (Workplace) async throws -> Void) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        do { try await body(self) } catch {
            try? await workers.end()
            throw error
        }
        try await workers.end()
    }

    func file(_ name: String) -> URL { folder.appending(path: name) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }
    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: file(name)) }
    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: file(name)), as: UTF8.self) }

    // MARK: The program

    func start(_ arguments: String...) throws -> RunningProgram { try start(arguments) }

    func start(_ arguments: [String], environment: [String: String] = [:]) throws -> RunningProgram {
        let environment = environment.merging(engine.environment) { $1 }
        let program = try BuiltProgram.start(arguments, in: folder, environment: environment)
        workers.keep(program)
        return program
    }

    /// - Parameter environment: of who does the work too.
    func backfill(_ arguments: String..., environment: [String: String] = [:]) async throws -> ProgramEnd {
        if let address = engine.address { try await workers.have(environment, engine: address) }
        return try await start(arguments, environment: environment).wait()
    }

    // MARK: Databases

    func execute(_ sql: String, on database: String) async throws {
        var configuration = Configuration()
        // A run may be writing to it.
        configuration.busyMode = .timeout(30)
        let queue = try DatabaseQueue(path: file(database).path, configuration: configuration)
        try await queue.writeWithoutTransaction { db in try db.execute(sql: sql) }
        try queue.close()
    }

    /// The only value of a query; nil for NULL or no row.
    func value<Value: DatabaseValueConvertible & Sendable>(
        _ sql: String,
        of database: String,
        as _: Value.Type = Value.self
    ) async throws -> Value? {
        try await values(sql, of: database, as: Value.self).first
    }

    func values<Value: DatabaseValueConvertible & Sendable>(
        _ sql: String,
        of database: String,
        as _: Value.Type = Value.self
    ) async throws -> [Value] {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: file(database).path, configuration: configuration)
        let values = try await queue.read { db in try Value.fetchAll(db, sql: sql) }
        try queue.close()
        return values
    }

    func count(_ table: String, of database: String) async throws -> Int {
        try await value("SELECT count(*) FROM \(table)", of: database) ?? -1
    }

    // MARK: The source

    /// Makes `source.sqlite` with a table `person` of records that hold what texts hold: accents, quotes, newlines, NULLs.
    func makeSource(records: Int) async throws {
        try await execute(
            """
            CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT, score REAL NOT NULL);
            INSERT INTO person
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(records))
            SELECT i, 'Zoë "' || i || '" O''Brien', CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'a' || char(10) || 'b,c' ELSE '' END, i / 8.0
            FROM n LIMIT \(records);
            """,
            on: "source.sqlite"
        )
    }

    /// Every record as one text: what a table must hold when it holds exactly the source's records.
    func records(of table: String, in database: String) async throws -> [String] {
        try await values(
            "SELECT quote(id) || '|' || quote(name) || '|' || quote(note) || '|' || quote(score) FROM \(table) ORDER BY id",
            of: database
        )
    }

    // MARK: What is there

    /// Every file below the folder with what it holds, except the passing files that SQLite keeps beside an open database.
    func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: file(name).path, isDirectory: &isDirectory)
            if name.hasSuffix("-wal") || name.hasSuffix("-shm") { continue }
            contents[name] = isDirectory.boolValue ? Data() : try Data(contentsOf: file(name))
        }
        return contents
    }
}
