import Foundation
import TestSupport

@testable import SQLConnectors

/// A file system of a few hundred kilobytes, in memory. Only root may mount one; its tests are skipped elsewhere.
final class SmallDisk: Sendable {
    let folder: URL
    private let scratch: ScratchFolder

    /// Nil where mounting is not allowed.
    init?(kilobytes: Int) throws {
        scratch = try ScratchFolder()
        folder = scratch.file("disk")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { return nil }
    }

    /// MNT_DETACH: the mount goes even when a connection is still open in it.
    deinit { umount2(folder.path, Int32(MNT_DETACH)) }

    func grow(toKilobytes kilobytes: Int) throws {
        guard mount("tmpfs", folder.path, "tmpfs", UInt(MS_REMOUNT), "size=\(kilobytes)k") == 0 else {
            throw DurableFile.Failure("remount", folder)
        }
    }

    static let isAllowed = (try? SmallDisk(kilobytes: 64)) != nil
}
