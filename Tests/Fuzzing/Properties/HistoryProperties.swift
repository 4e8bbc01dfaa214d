import Foundation

@testable import WorkflowEngine
@testable import Workflows

extension Property {
    /// Any text in the place of stored events is events with ids that follow each other, or an error; events that were read are written as
    /// text that reads as the same events.
    static let batch = Property(name: "batch") { input in
        let text = String(decoding: input, as: UTF8.self)
        guard let events = try? EventBatch.events(in: text, first: 7) else { return }
        try require(events.map(\.id) == Array(7..<7 + events.count), "ids with gaps: \(events.map(\.id))")
        var bytes: [UInt8] = []
        try EventBatch.write(events, to: &bytes)
        guard !events.isEmpty else { return }
        let again = try EventBatch.events(in: String(decoding: bytes, as: UTF8.self), first: 7)
        try require(again == events, "\(events) is read back as \(again)")
    }

    /// Of a journal that was damaged only whole batches within the file count, and of one that was not, all.
    static let journal = Property(name: "journal") { input in
        var draw = Draw(input)
        let generation = Int64(draw.byte() % 3)
        let content = Damage.done(to: sampleJournal, by: &draw)
        let batches = HistoryJournal.batches(in: content, generation: generation)
        if content == sampleJournal, generation == 0 {
            try require(batches.count == 4, "\(batches.count) of 4 batches")
        }
        for batch in batches {
            try require(batch.json.lowerBound >= 0 && batch.json.upperBound <= content.count, "out of the file")
            let text = String(decoding: content[batch.json], as: UTF8.self)
            let events = try EventBatch.events(in: text, first: Int(batch.id % HistorySchema.eventsPerExecution))
            try require(events.count == Int(batch.length), "\(events.count) events of \(batch.length)")
        }
    }

    private static let sampleJournal: [UInt8] = {
        let signal = HistoryEvent.Attributes.workflowExecutionSignaled(signalName: "s", input: Payload(json: "[1]"))
        func events(_ ids: Range<Int>) -> [HistoryEvent] {
            ids.map { HistoryEvent(id: $0, timestamp: Date(wholeMilliseconds: 1), attributes: signal) }
        }
        let folder = FileManager.default.temporaryDirectory
        guard var journal = try? HistoryJournal(folder: folder, ownerID: UUID().uuidString) else { return [] }
        defer { journal.remove() }
        try? journal.commit { try $0.add(events(2..<3), number: 1) }
        try? journal.commit {
            try $0.add(events(3..<5), number: 1)
            try $0.add(events(2..<4), number: 2)
        }
        try? journal.commit { try $0.add(events(5..<6), number: 1) }
        return journal.content.bytes
    }()
}
