public import Foundation

/// File operations that hold through a power cut.
public enum DurableFile {
    /// What the system answered.
    public struct Failure: Error, CustomStringConvertible, Sendable {
        /// The operation, the file and the system's text.
        public let description: String
        /// The system's error number.
        public let code: Int32

        /// - Parameter code: `errno` as the failed call left it.
        public init(_ operation: String, _ url: URL, code: Int32 = errno) {
            self.code = code
            description = "\(operation) \(url.path): \(String(cString: strerror(code)))"
        }
    }

    /// Puts a file's or folder's content on the disk.
    public static func sync(_ url: URL) throws {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("open", url) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure("sync", url) }
    }

    /// Renames a file, and puts the new name on the disk.
    public static func rename(_ from: URL, to: URL) throws {
        guard Foundation.rename(from.path, to.path) == 0 else { throw Failure("rename", from) }
        try sync(to.deletingLastPathComponent())
    }
}
