import Foundation
import GRDB
import TestSupport
import Testing
import Workflows

@testable import WorkflowEngine

@Suite("What a commit added to a history survives its process, though the database learns of it later")
struct HistoryJournalTests {
    /// A store with one execution, whose later events go to the journal.
    private final class Process {
        let store: SQLiteHistoryStore
        var events: [HistoryEvent]

        init(in folder: ScratchFolder, owner: String) async throws {
            store = try SQLiteHistoryStore(file: folder.url.appending(path: "engine.sqlite"))
            try await store.register(owner: ExecutionOwner(id: owner, processID: 1, isAlive: true))
            events = [Self.event(1)]
            try await begin("e", owner: owner)
        }

        func begin(_ executionID: String, owner: String) async throws {
            let record = ExecutionRecord(
                workflowID: "w-" + executionID,
                executionID: executionID,
                firstExecutionID: executionID,
                workflowType: "T",
                parentClosePolicy: .terminate,
                status: .running,
                startedAt: Date(wholeMilliseconds: 1),
                historyLength: 0,
                ownerID: owner
            )
            try await store.commit([.create(record), .append(executionID: executionID, [Self.event(1)])])
        }

        static func event(_ id: Int) -> HistoryEvent {
            HistoryEvent(
                id: id,
                timestamp: Date(wholeMilliseconds: Int64(id)),
                attributes: .workflowExecutionSignaled(signalName: "s \"\(id)\"", input: Payload(json: "[\(id)]"))
            )
        }

        func add(_ count: Int) async throws {
            let added = (1...count).map { Self.event(events.count + $0) }
            try await store.commit([.append(executionID: "e", added)])
            events += added
        }
    }

    private static func journal(in folder: ScratchFolder) -> URL {
        folder.url.appending(path: "engine.owners/a.journal")
    }

    private static func history(in folder: ScratchFolder) async throws -> [HistoryEvent] {
        try await SQLiteHistoryStore(reading: folder.url.appending(path: "engine.sqlite")).history(of: "e")
    }

    @Test("Whoever comes after a process that died reads all of it, once")
    func death() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        for _ in 0..<10 { try await process.add(3) }
        #expect(try Data(contentsOf: Self.journal(in: folder)).count > 0)
        #expect(try await Self.history(in: folder).count == 1, "nothing was brought in while it lived")
        let events = process.events
        let copy = try Data(contentsOf: Self.journal(in: folder))
        try process.store.abandon()
        #expect(try await Self.history(in: folder) == events)
        #expect(!FileManager.default.fileExists(atPath: Self.journal(in: folder).path))
        // As if its removal had been lost.
        try copy.write(to: Self.journal(in: folder))
        #expect(try await Self.history(in: folder) == events)
    }

    @Test("A process that learns that the owner is gone reads what it left")
    func adoption() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        let other = try SQLiteHistoryStore(file: folder.url.appending(path: "engine.sqlite"))
        try await process.add(2)
        #expect(try await other.owner("a")?.isAlive == true)
        let events = process.events
        try process.store.abandon()
        #expect(try await other.owner("a")?.isAlive == false)
        #expect(try await other.history(of: "e") == events)
        #expect(try await other.execution("e")?.historyLength == 3)
    }

    @Test("Its own process reads at once what it has added; so do others after it has left in order")
    func order() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        try await process.add(1)
        #expect(try await process.store.history(of: "e") == process.events)
        #expect(try await Self.history(in: folder) == process.events)
        try await process.add(600)
        for _ in 0..<600 { try await process.add(1) }
        await process.store.release(ownerID: "a")
        #expect(!FileManager.default.fileExists(atPath: Self.journal(in: folder).path))
        #expect(try await Self.history(in: folder) == process.events)
    }

    @Test("What stands behind other changes of the same execution comes after them")
    func interleaved() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        try await process.add(2)
        try await process.store.commit([.heartbeat(executionID: "e", scheduledEventID: 1, Payload(json: "1"))])
        try await process.add(2)
        try await process.store.commit([.close(executionID: "e", .completed, at: Date(wholeMilliseconds: 9))])
        let events = process.events
        try process.store.abandon()
        #expect(try await Self.history(in: folder) == events)
        let closed = try await SQLiteHistoryStore(reading: folder.url.appending(path: "engine.sqlite")).execution("e")
        #expect(closed?.historyLength == 5 && closed?.status == .completed)
    }

    @Test(
        "A journal that is cut or damaged anywhere gives whole commits, none after the damage",
        arguments: [false, true]
    )
    func damaged(isCut: Bool) async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        for count in [1, 2, 1] { try await process.add(count) }
        let content = [UInt8](try Data(contentsOf: Self.journal(in: folder)))
        let whole = HistoryJournal.batches(in: content, generation: 1)
        #expect(whole.map(\.length) == [1, 2, 1])
        for place in content.indices {
            var bytes = content
            if isCut { bytes.removeSubrange(place...) } else { bytes[place] ^= 1 << (place % 8) }
            let left = HistoryJournal.batches(in: bytes, generation: 1)
            let untouched = whole.prefix { $0.json.upperBound <= place }
            #expect(left.map(\.id) == untouched.map(\.id), "byte \(place)")
        }
    }

    @Test("What an earlier generation left in the file, or a file of other histories holds, does not count")
    func generations() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        try await process.add(5)
        try await process.add(5)
        _ = try await process.store.execution("e")
        try await process.add(1)
        let content = [UInt8](try Data(contentsOf: Self.journal(in: folder)))
        #expect(HistoryJournal.batches(in: content, generation: 1).isEmpty)
        #expect(HistoryJournal.batches(in: content, generation: 2).map(\.length) == [1])
        #expect(HistoryJournal.batches(in: content, generation: 3).isEmpty)
        try Data(content).write(to: folder.url.appending(path: "engine.owners/stranger.journal"))
        #expect(try await Self.history(in: folder).count == 11)
    }

    @Test("Where a power cut took back a transaction, what the journal holds of the time after it is left out")
    func powerCut() async throws {
        let folder = try ScratchFolder()
        let process = try await Process(in: folder, owner: "a")
        try await process.add(2)
        let log = folder.url.appending(path: "engine.sqlite-wal")
        let synced = try Data(contentsOf: log)
        try await process.store.commit([.heartbeat(executionID: "e", scheduledEventID: 1, Payload(json: "1"))])
        try await process.add(2)

        // The disk after it: all of the journal, and the database without its last transaction.
        for isCut in [false, true] {
            let disk = try ScratchFolder()
            for name in ["engine.sqlite", "engine.sqlite-wal", "engine.owners"] {
                try FileManager.default.copyItem(
                    at: folder.url.appending(path: name),
                    to: disk.url.appending(path: name)
                )
            }
            if isCut { try synced.write(to: disk.url.appending(path: "engine.sqlite-wal")) }
            let found = try await Self.history(in: disk)
            #expect(found == (isCut ? [Process.event(1)] : process.events))
        }
    }
}
