public import Foundation

/// A folder of one test's own; gone with its last reference.
public final class ScratchFolder: Sendable {
    /// Where it is, with no symbolic link in the path.
    public let url: URL

    /// Makes the folder.
    public init() throws {
        url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appending(path: "backfill-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The place of a file in the folder.
    public func file(_ name: String) -> URL { url.appending(path: name) }

    /// Names of the files in the folder, sorted.
    public var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }
}
