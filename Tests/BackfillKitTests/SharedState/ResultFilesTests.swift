import Checksum
import Foundation
import SQLConnectors
import TestSupport
import Testing

@testable import BackfillKit

@Suite(
    "With the state in PostgreSQL, each machine has what it needs of what others have staged",
    .enabled(if: TestPostgreSQL.isThere)
)
struct ResultFilesTests {
    /// Two machines: folders of their own, one store.
    private struct Machines {
        let here: ResultFiles
        let there: ResultFiles
        let store: RunStore

        static func with(_ body: (Machines) async throws -> Void) async throws {
            let folder = try ScratchFolder()
            let database = try StateDatabase(
                (TestPostgreSQL.url ?? "") + "?schema=files_\(UUID().uuidString.prefix(8).lowercased())",
                environment: [:]
            )
            let store = try await RunStore.open(database)
            let machines = Machines(
                here: ResultFiles(StateFolder(folder.url.appending(path: "here")), store),
                there: ResultFiles(StateFolder(folder.url.appending(path: "there")), store),
                store: store
            )
            try FileManager.default.createDirectory(at: machines.here.folder, withIntermediateDirectories: true)
            let end: Result<Void, any Error>
            do { end = .success(try await body(machines)) } catch { end = .failure(error) }
            try await machines.sql("DROP SCHEMA \(database.schema) CASCADE")
            try end.get()
        }

        func sql(_ text: String) async throws {
            try await store.database.write { db in try db.execute(sql: text) }
        }

        /// A file here as staging makes it; bytes of all values, more than one part of them.
        func makeResult(_ name: String = "q.sqlite", bytes count: Int = 3 << 20) throws -> StagedResult {
            var random = SplitMix64(seed: 7)
            var data = Data(capacity: count)
            while data.count < count { withUnsafeBytes(of: random.next()) { data.append(contentsOf: $0) } }
            let file = here.folder.appending(path: name)
            try data.prefix(count).write(to: file)
            let text = """
                {"fileName":"\(name)","recordCount":1,"fileSize":\(count),"checksum":"\(try Checksum.ofFile(at: file))",
                "schema":{"columns":[{"name":"id"}],"keyIndex":0,"dialect":"sqlite"}}
                """
            return try JSONDecoder().decode(StagedResult.self, from: Data(text.utf8))
        }

        func contents(_ files: ResultFiles) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: files.folder.path).sorted()
        }
    }

    @Test("A result arrives byte by byte, for its owner's eyes only", arguments: [0, 1, 1 << 20, (3 << 20) + 17])
    func arrives(size: Int) async throws {
        try await Machines.with { machines in
            let staged = try machines.makeResult(bytes: max(1, size))
            try await machines.here.share(staged.fileName)
            try await machines.there.verify(staged)
            // However many executors ask for it at the same time.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { try await machines.there.require(staged) } }
                try await group.waitForAll()
            }
            let copy = machines.there.folder.appending(path: staged.fileName)
            #expect(
                try Data(contentsOf: copy) == Data(contentsOf: machines.here.folder.appending(path: staged.fileName))
            )
            #expect(try FileManager.default.attributesOfItem(atPath: copy.path)[.posixPermissions] as? Int == 0o600)
            #expect(try machines.contents(machines.there) == [staged.fileName])
        }
    }

    @Test(
        "One that is not what was staged is not used, and the name is not given to it",
        arguments: [
            "UPDATE result_part SET bytes = overlay(bytes PLACING '\\x00ff' FROM 100) WHERE part = 1",
            "DELETE FROM result_part WHERE part = 2", "DELETE FROM result_part WHERE part = 1",
            "DELETE FROM result_part",
        ]
    )
    func damaged(how: String) async throws {
        try await Machines.with { machines in
            let staged = try machines.makeResult()
            try await machines.here.share(staged.fileName)
            try await machines.sql(how)
            let error = await #expect(throws: StateError.self) { try await machines.there.require(staged) }
            #expect(
                error?.description.contains("q.sqlite is missing from the state database, or is not what was staged")
                    == true
            )
            #expect(try machines.contents(machines.there).isEmpty)
        }
    }

    @Test("What other attempts at the same query have staged goes, here and in the database")
    func others() async throws {
        try await Machines.with { machines in
            let (lost, kept) = (try machines.makeResult("q.1.sqlite"), try machines.makeResult("q.2.sqlite"))
            let other = try machines.makeResult("qq.1.sqlite")
            for staged in [lost, kept, other] { try await machines.here.share(staged.fileName) }
            for name in ["q.3.whole.sqlite.partial", "q.2.sqlite.copy.partial"] {
                try Data().write(to: machines.here.folder.appending(path: name))
            }

            try await machines.here.removeOthers(of: QueryID(rawValue: "q"), than: kept)

            let left = ["q.2.sqlite", "q.2.sqlite.copy.partial", "qq.1.sqlite"]
            #expect(try machines.contents(machines.here) == left)
            #expect(try await !machines.there.find(lost))
            for staged in [kept, other] { try await machines.there.require(staged) }
        }
    }

    @Test("A copy that somebody removed is taken again; what is removed everywhere is gone")
    func removed() async throws {
        try await Machines.with { machines in
            let (one, other) = (try machines.makeResult("q.1.sqlite"), try machines.makeResult("qq.sqlite"))
            for staged in [one, other] { try await machines.here.share(staged.fileName) }
            try await machines.there.require(one)
            try FileManager.default.removeItem(at: machines.there.folder.appending(path: one.fileName))
            try await machines.there.require(one)

            machines.there.removeCopies(beginningWith: "q.")
            #expect(try machines.contents(machines.there).isEmpty)
            #expect(try await machines.there.find(one))

            try await machines.there.remove(beginningWith: "q.")
            #expect(try machines.contents(machines.there).isEmpty)
            #expect(try await !machines.there.find(one))
            #expect(try await machines.there.find(other))
        }
    }

    @Test("The record ids of a canary reach the other machine")
    func keys() async throws {
        try await Machines.with { machines in
            let run = RunID(rawValue: "people-1")
            try await machines.here.keep(["1", "Zoë", "a b"], of: run)
            #expect(try await machines.there.keys(of: run) == ["1", "Zoë", "a b"])
        }
    }
}
