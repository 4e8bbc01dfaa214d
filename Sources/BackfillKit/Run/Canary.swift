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

extension ResultFiles {
    private func keysFile(of run: RunID) -> String { "\(run).keys" }

    /// Keeps the record ids that a run is bound to, one a line.
    func keep(_ keys: [String], of run: RunID) async throws {
        let file = folder.appending(path: keysFile(of: run))
        try PrivateFile.create(at: file)
        do {
            try Data(keys.joined(separator: "\n").utf8).write(to: file)
        } catch {
            throw StateError.folder(folder, cause: error.localizedDescription)
        }
        try await share(keysFile(of: run))
    }

    func keys(of run: RunID) async throws -> [String] {
        try await require(keysFile(of: run))
        let file = folder.appending(path: keysFile(of: run))
        guard let data = try? Data(contentsOf: file) else {
            throw StateError.unusable(file: file, cause: "the record ids of the run are gone")
        }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
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
