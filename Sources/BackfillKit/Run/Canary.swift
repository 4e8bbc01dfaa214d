import Foundation

/// A part of the records that goes first, to see whether all is well.
public struct RecordPart: Sendable {
    /// At most so many records of each query, the first ones in its order; nil for all.
    public var limit: Int64?
    /// Only records with these record ids; nil for all.
    public var keys: [String]?

    /// Takes so many records, or those with given ids, or both.
    public init(limit: Int64? = nil, keys: [String]? = nil) {
        self.limit = limit
        self.keys = keys
    }
}

/// What is stored of the part that a run takes. The record ids lie beside the staged results.
public struct Canary: Codable, Hashable, Sendable {
    /// At most so many records of each query.
    public var limit: Int64?
    /// How many record ids the run was given.
    public var keyCount: Int?
}

extension StateFolder {
    private func keysFile(of run: RunID) -> URL { results.appending(path: "\(run).keys") }

    /// Keeps the record ids that a run is bound to, one a line.
    func keep(_ keys: [String], of run: RunID) throws {
        let file = keysFile(of: run)
        try PrivateFile.create(at: file)
        do {
            try Data(keys.joined(separator: "\n").utf8).write(to: file)
        } catch {
            throw StateError.folder(results, cause: error.localizedDescription)
        }
    }

    func keys(of run: RunID) throws -> [String] {
        let file = keysFile(of: run)
        guard let data = try? Data(contentsOf: file) else {
            throw StateError.unusable(file: file, cause: "the record ids of the run are gone")
        }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func removeKeys(of run: RunID) { try? FileManager.default.removeItem(at: keysFile(of: run)) }
}

extension BackfillSpec {
    /// Whether a record that is published twice would be there twice.
    var appends: Bool { sinks.contains(where: \.appends) }
}

extension SinkSpec {
    /// Whether it is a table that is appended to.
    var appends: Bool {
        if case .table(let table) = self { table.mode == .append } else { false }
    }
}
