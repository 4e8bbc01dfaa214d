public import Foundation

/// The folder in which runs are kept: `backfill.sqlite` (runs, plans, checkpoints, dead letters), `engine.sqlite` (histories) and
/// `results/` (staged results).
public struct StateFolder: Sendable {
    /// Where it is.
    public let url: URL

    /// Names a folder; nothing is touched.
    public init(_ url: URL) { self.url = url }

    /// The run store's file.
    public var storeFile: URL { url.appending(path: "backfill.sqlite") }
    /// The embedded engine's file.
    public var engineFile: URL { url.appending(path: "engine.sqlite") }
    /// Says which cluster the folder's runs are on; not there where the embedded engine runs them.
    public var engineNote: URL { url.appending(path: "engine.json") }
    /// Where staged results lie, one SQLite file per query id.
    public var results: URL { url.appending(path: "results") }

    /// Makes the folder (mode 0700) when it is not there.
    ///
    /// - Throws: ``StateError`` when it cannot be made.
    public func create() throws {
        try PrivateFile.createFolder(at: url)
        try PrivateFile.createFolder(at: results)
    }

    /// Waits until no other process is opening the folder's stores, and keeps others waiting until the turn ends.
    ///
    /// - Throws: ``StateError`` when the folder cannot be locked.
    public func takeTurn() throws -> Turn {
        let descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX) == 0 else {
            let cause = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw StateError.folder(url, cause: cause)
        }
        return Turn(descriptor: descriptor)
    }

    /// One process's turn at opening the stores; the kernel ends it with the process.
    public struct Turn: Sendable {
        fileprivate let descriptor: Int32

        /// Lets the next one go on. Called once.
        public func end() { close(descriptor) }
    }

    /// Whether any run was ever kept here.
    public var exists: Bool { FileManager.default.fileExists(atPath: storeFile.path) }
}
