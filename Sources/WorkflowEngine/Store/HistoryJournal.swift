import Checksum
import Foundation
import Workflows

/// What was added to histories and is not in the database yet: a file beside it, and the same bytes in memory.
///
/// A transaction of SQLite takes several times as long as a turn. Turns that only add to histories are written to this file, each with a
/// single call, and reach the database hundreds at a time. The file outlives its process, and whoever finds the owner dead brings it in.
/// Like the database's own log it is not synced: a power cut may take back the last turns, never one from between others.
///
/// The file is a sequence of records, one for each commit: the length of the body (4 bytes), its checksum (8), and the body. A body is a
/// sequence of batches: the id (8), the number of events (4), the length of their JSON (4), and the JSON. All numbers are little-endian.
/// With every transaction of its owner the file is begun anew: that is a generation, and the database knows the present one. A record's checksum
/// holds its generation and its place, so that what an earlier generation left behind it never counts, nor what follows a transaction that
/// the database has lost.
struct HistoryJournal {
    /// A row of `event_batch`.
    struct Batch {
        var id: Int64
        var length: Int64
        /// Where its JSON stands.
        var json: Range<Int>
    }

    let ownerID: String
    private(set) var generation: Int64 = 0
    /// What the file holds of this generation.
    private(set) var content = Content()
    private var records = 0
    private let path: String
    private let file: OpenFile

    private static let headLength = 12

    /// Makes an owner's file.
    ///
    /// - Throws: ``EngineFailure``.
    init(folder: URL, ownerID: String) throws {
        self.ownerID = ownerID
        path = Self.path(folder, ownerID)
        let descriptor = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EngineFailure("The file \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        file = OpenFile(descriptor: descriptor)
    }

    static func path(_ folder: URL, _ ownerID: String) -> String {
        folder.appending(path: ownerID + ".journal").path
    }

    /// Whether it is time to bring the batches into the database.
    var isFull: Bool { content.batches.count >= 512 || content.bytes.count >= 1 << 20 }

    /// Writes what one commit adds, and returns when it is in the file.
    ///
    /// - Parameter add: adds its batches.
    /// - Throws: what `add` throws, or ``EngineFailure``; the journal is then as it was.
    mutating func commit(_ add: (inout Content) throws -> Void) throws {
        let (start, known) = (content.bytes.count, content.batches.count)
        do {
            content.bytes.append(contentsOf: repeatElement(0, count: Self.headLength))
            try add(&content)
            let body = start + Self.headLength..<content.bytes.count
            content.bytes.put(UInt32(body.count), at: start)
            content.bytes.put(Self.checksum(content.bytes, body, generation, records), at: start + 4)
            try save(from: start)
        } catch {
            content.bytes.removeSubrange(start...)
            content.batches.removeSubrange(known...)
            throw error
        }
        records += 1
    }

    /// All batches are in the database, which knows that the next generation begins.
    mutating func beginNext() {
        generation += 1
        records = 0
        content.batches.removeAll(keepingCapacity: true)
        content.bytes.removeAll(keepingCapacity: true)
    }

    /// Removes the file.
    func remove() { unlink(path) }

    private func save(from start: Int) throws {
        var start = start
        while start < content.bytes.count {
            let written = content.bytes.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                return pwrite(file.descriptor, rest.baseAddress, rest.count, off_t(start))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw EngineFailure.unwritten(String(cString: strerror(errno)), isFull: errno == ENOSPC)
            }
            start += written
        }
    }

    private static func checksum(_ bytes: [UInt8], _ body: Range<Int>, _ generation: Int64, _ record: Int) -> UInt64 {
        var checksum = Checksum()
        withUnsafeBytes(of: (generation.littleEndian, Int64(record).littleEndian)) { checksum.update($0) }
        bytes.withUnsafeBytes { checksum.update(UnsafeRawBufferPointer(rebasing: $0[body])) }
        return checksum.finish()
    }

    private final class OpenFile: Sendable {
        let descriptor: Int32
        init(descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    // MARK: Another's file

    /// The batches of a generation that a file holds, up to what was not written to its end.
    static func batches(in bytes: [UInt8], generation: Int64) -> [Batch] {
        var batches: [Batch] = []
        var place = 0
        for record in 0... {
            guard let length: UInt32 = bytes.number(at: place), let checksum: UInt64 = bytes.number(at: place + 4)
            else {
                break
            }
            let body = place + headLength..<place + headLength + Int(length)
            guard body.upperBound <= bytes.count, Self.checksum(bytes, body, generation, record) == checksum else {
                break
            }
            place = body.lowerBound
            while place < body.upperBound {
                guard let id: Int64 = bytes.number(at: place), let length: UInt32 = bytes.number(at: place + 8),
                    let size: UInt32 = bytes.number(at: place + 12)
                else { return batches }
                let json = place + Content.headLength..<place + Content.headLength + Int(size)
                guard json.upperBound <= body.upperBound else { return batches }
                batches.append(Batch(id: id, length: Int64(length), json: json))
                place = json.upperBound
            }
        }
        return batches
    }

    /// Batches one after the other.
    struct Content {
        fileprivate(set) var bytes: [UInt8] = []
        fileprivate(set) var batches: [Batch] = []
        fileprivate static let headLength = 16

        /// - Parameter events: not empty, and without gaps.
        mutating func add(_ events: [HistoryEvent], number: Int64) throws {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: Self.headLength))
            try EventBatch.write(events, to: &bytes)
            let json = start + Self.headLength..<bytes.count
            let batch = Batch(
                id: number * HistorySchema.eventsPerExecution + Int64(events[0].id),
                length: Int64(events.count),
                json: json
            )
            bytes.put(batch.id, at: start)
            bytes.put(UInt32(batch.length), at: start + 8)
            bytes.put(UInt32(json.count), at: start + 12)
            batches.append(batch)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ number: some FixedWidthInteger, at place: Int) {
        Swift.withUnsafeBytes(of: number.littleEndian) { number in
            for (offset, byte) in number.enumerated() { self[place + offset] = byte }
        }
    }

    fileprivate func number<Number: FixedWidthInteger>(at place: Int) -> Number? {
        guard place >= 0, place + MemoryLayout<Number>.size <= count else { return nil }
        return Number(littleEndian: withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Number.self) })
    }
}
