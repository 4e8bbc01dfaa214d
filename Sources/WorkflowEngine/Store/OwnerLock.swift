import Foundation

/// Shows that a process lives: an exclusive lock on a small file, which the kernel releases the moment the process is gone, however it
/// went. A process that is merely stopped keeps it.
final class OwnerLock: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Takes the lock for a new owner.
    init(folder: URL, ownerID: String) throws {
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        path = Self.path(folder, ownerID)
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw EngineFailure("The lock file \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
    }

    deinit { close(descriptor) }

    /// Gives the lock up and removes its file.
    func release() { unlink(path) }

    /// Whether the owner's process holds its lock.
    static func isHeld(folder: URL, ownerID: String) -> Bool {
        let descriptor = open(path(folder, ownerID), O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Shared, so that two who look at the same time do not take each other for the owner.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    private static func path(_ folder: URL, _ ownerID: String) -> String {
        folder.appending(path: ownerID + ".lock").path
    }
}
