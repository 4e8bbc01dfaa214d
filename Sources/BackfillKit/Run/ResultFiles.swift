import Foundation
import SQLConnectors

/// Staged results, and the record ids of canaries: files that every process at work on a run needs.
///
/// With the state in a folder all share the files themselves. With the state in a database they are kept there, and each machine takes a
/// copy of what it needs when it first needs it.
final class ResultFiles: Sendable {
    /// Where the files, or this machine's copies of them, lie.
    let folder: URL
    /// Where all have the files from; nil where all share the folder.
    private let database: PostgreSQLFiles?
    private let copies = OncePerKey<String, Void>()

    init(_ folder: StateFolder, _ store: RunStore) {
        self.folder = folder.results
        database = store.files
    }

    /// Gives a result that this process has staged to all.
    ///
    /// - Returns: the same.
    /// - Throws: ``StateUnavailable``, ``StateError``.
    func shared(_ staged: StagedResult) async throws -> StagedResult {
        try await share(staged.fileName)
        return staged
    }

    /// Gives a file that this process has made to all.
    ///
    /// - Throws: ``StateError``.
    func share(_ name: String) async throws {
        guard let database else { return }
        try await StateError.explaining(name) { try await database.put(folder.appending(path: name), as: name) }
    }

    /// Opens a staged result.
    ///
    /// - Throws: as ``require(_:)`` does; ``StagedResultDamaged``.
    func reader(of staged: StagedResult) async throws -> StagedReader {
        try await require(staged)
        return try StagedReader(staged.location(in: folder), schema: staged.schema)
    }

    /// Whether anybody has a staged result still; if so it can be opened.
    func find(_ staged: StagedResult) async throws -> Bool {
        if isHere(staged.fileName) { return true }
        guard let database else { return false }
        return try await Self.isWhole(staged, in: database)
    }

    /// Makes sure that a staged result lies in ``folder``.
    ///
    /// - Throws: ``StateUnavailable``; ``StateError`` when it is not to be had, or is not what was staged.
    func require(_ staged: StagedResult) async throws {
        try await require(staged.fileName, size: staged.fileSize) { aside in
            var copy = staged
            copy.fileName = aside
            do {
                try await copy.verify(in: self.folder)
            } catch is StagedResultDamaged {
                throw StateError.lost(staged.fileName)
            }
        }
    }

    /// Makes sure that a file lies in ``folder``.
    ///
    /// - Parameters:
    ///   - size: its bytes, where they are known: after a power cut a copy may be there that is not whole.
    ///   - check: throws when the copy, which has another name yet, is not what it should be.
    func require(
        _ name: String,
        size: Int64? = nil,
        check: @escaping @Sendable (_ aside: String) async throws -> Void = { _ in }
    ) async throws {
        guard let database, !isHere(name, size: size) else { return }
        try await copies.value(for: name) { [folder] in
            // Processes with the same folder may take a copy at the same time: each its own, and the name is given to whole ones.
            let aside = "\(name).\(UUID().uuidString).partial"
            let place = folder.appending(path: aside)
            defer { try? FileManager.default.removeItem(at: place) }
            try PrivateFile.create(at: place)
            let file = try FileHandle(forWritingTo: place)
            defer { try? file.close() }
            try await StateError.explaining(name) {
                if try await !database.get(name, appendingTo: file) { throw StateError.lost(name) }
            }
            try await check(aside)
            try file.synchronize()
            guard rename(place.path, folder.appending(path: name).path) == 0 else {
                throw StateError.folder(folder, cause: String(cString: strerror(errno)))
            }
        }
        // Somebody may have removed it since.
        guard isHere(name, size: size) else {
            _ = copies.take(name)
            return try await require(name, size: size, check: check)
        }
    }

    private func isHere(_ name: String, size: Int64? = nil) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: name).path)
        guard let there = attributes?[.size] as? Int64 else { return false }
        return size == nil || size == there
    }

    /// Makes sure that a staged result is what it was, without taking a copy of it.
    ///
    /// - Throws: ``StagedResultDamaged``, ``StateError``.
    func verify(_ staged: StagedResult) async throws {
        guard let database else { return try await staged.verify(in: folder) }
        if try await !Self.isWhole(staged, in: database) { throw StateError.lost(staged.fileName) }
    }

    private static func isWhole(_ staged: StagedResult, in database: PostgreSQLFiles) async throws -> Bool {
        try await StateError.explaining(staged.fileName) { try await database.size(of: staged.fileName) }
            == staged.fileSize
    }

    /// Forgets this machine's copies of files whose names begin so; nothing where there are no copies.
    func removeCopies(beginningWith prefix: String) {
        if database != nil { removeHere(prefix) }
    }

    /// Forgets files whose names begin so, everywhere.
    func remove(beginningWith prefix: String) async throws { try await remove(beginningWith: prefix, except: nil) }

    /// Forgets, everywhere, what other attempts have staged of a query, or left when they were broken off.
    func removeOthers(of query: QueryID, than staged: StagedResult) async throws {
        try await remove(beginningWith: "\(query).", except: staged.fileName)
    }

    private func remove(beginningWith prefix: String, except kept: String?) async throws {
        removeHere(prefix, except: kept)
        guard let database else { return }
        try await StateError.explaining(prefix) { try await database.remove(beginningWith: prefix, except: kept) }
    }

    /// - Parameter kept: a name that stays, and those that begin with it: somebody may be taking a copy.
    private func removeHere(_ prefix: String, except kept: String? = nil) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(prefix) && kept.map(name.hasPrefix) != true {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
            _ = copies.take(name)
        }
    }
}

extension StateError {
    /// Says of what goes wrong with a file in the database what it means.
    fileprivate static func explaining<Value>(_ name: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as PostgreSQLFailure {
            if failure.passes { throw StateUnavailable(file: name, cause: failure.text) }
            throw StateError(
                description: "The file \(name) of the state database cannot be read or written: \(failure.text)."
            )
        } catch let error as CocoaError {
            throw StateError(description: "The copy of \(name) cannot be written: \(error.localizedDescription)")
        }
    }

    fileprivate static func lost(_ name: String) -> StateError {
        StateError(
            description: """
                The staged result \(name) is missing from the state database, or is not what was staged. What is left of this run cannot be \
                carried on: begin a new run of the spec with --new (sinks in upsert mode take the records again without harm).
                """
        )
    }
}
