import Foundation

/// Which file a path leads to. SQLite writes on into a file that was removed or replaced under it, and says nothing.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let inode: UInt64

    /// Nil when there is no such file.
    init?(_ file: URL) {
        var facts = stat()
        guard stat(file.path, &facts) == 0 else { return nil }
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
    }
}
