import Checksum
public import Foundation

/// The staged rows of one query execution: what a plan and a history point to.
public struct StagedResult: Codable, Hashable, Sendable {
    /// Name of the SQLite file in the folder of results.
    public var fileName: String
    /// Records, with ordinals 1…N without gaps.
    public var recordCount: Int64
    /// Bytes of all records, counted as ``Cell/byteCount`` says; nil where nobody needed them counted.
    public var byteCount: Int64?
    /// Bytes of the file.
    public var fileSize: Int64
    /// XXH64 of the file, 16 hexadecimal digits.
    public var checksum: String
    /// The columns.
    public var schema: RecordSchema

    /// The file in a folder of results.
    public func location(in folder: URL) -> URL { folder.appending(path: fileName) }

    /// Reads the whole file and compares it with what was written down when it was staged.
    ///
    /// - Throws: ``StagedResultDamaged``, which names the file.
    public func verify(in folder: URL) async throws {
        let (url, expected) = (location(in: folder), self)
        try await SerialWorker(label: "verify staged result", ()).run { _ in
            guard let size = try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int64 else {
                throw StagedResultDamaged(file: url, what: "is missing")
            }
            guard size == expected.fileSize else {
                throw StagedResultDamaged(file: url, what: "has \(size) bytes instead of \(expected.fileSize)")
            }
            let checksum: String
            do {
                checksum = try Checksum.ofFile(at: url)
            } catch {
                throw StagedResultDamaged(file: url, what: "cannot be read (\(error))")
            }
            guard checksum == expected.checksum else {
                throw StagedResultDamaged(file: url, what: "was changed since it was staged (its checksum differs)")
            }
        }
    }
}

/// A staged result is not what it was when it was staged.
public struct StagedResultDamaged: Error, CustomStringConvertible, Sendable {
    /// The file.
    public var file: URL
    /// What is wrong with it.
    public var what: String

    /// Which file, and what to do.
    public var description: String {
        """
        The staged result \(file.path) \(what). Put the file back from a copy; without one, what is left of this run cannot be \
        carried on: begin a new run of the spec with --new (sinks in upsert mode take the records again without harm).
        """
    }
}
