import Foundation
import TestSupport

/// What a machine's disk remembers: which bytes were synced, and which new names.
///
/// The files themselves are real. A process that dies leaves them as they are, and from then on nothing of it reaches them. When the power is
/// cut, a file loses what lies behind the last byte that was there when it was synced, and a rename that nobody synced may be gone.
final class SimulatedDisk {
    private struct Rename {
        var folder: UInt64
        var from: String
        var to: String
    }

    /// Its process is dead: nothing changes any more.
    var isGone = false
    /// Nothing grows any more.
    var isFull = false
    private(set) var timesFull = 0
    private var syncedBytes: [UInt64: Int] = [:]
    private var renames: [Rename] = []

    func fault(isGrowth: Bool) -> Int32 {
        if isGone { return EIO }
        guard isFull, isGrowth else { return 0 }
        timesFull += 1
        return ENOSPC
    }

    /// Another process comes.
    func revive() { (isGone, isFull, timesFull) = (false, false, 0) }

    func noteSync(_ descriptor: Int32) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return }
        let number = UInt64(facts.st_ino)
        if facts.st_mode & S_IFMT == S_IFDIR {
            renames.removeAll { $0.folder == number }
        } else {
            syncedBytes[number] = Int(facts.st_size)
        }
    }

    func noteRename(_ from: String, _ to: String) {
        var facts = stat()
        guard stat((to as NSString).deletingLastPathComponent, &facts) == 0 else { return }
        renames.append(Rename(folder: UInt64(facts.st_ino), from: from, to: to))
    }

    /// What lies in a folder counts as synced.
    func trust(_ folder: URL) {
        for path in Self.files(in: folder) {
            guard let facts = Self.facts(path) else { continue }
            syncedBytes[facts.number] = facts.bytes
        }
    }

    /// Takes from a folder what a power cut takes.
    func cutPower(in folder: URL, using dice: inout SplitMix64) {
        for rename in renames.reversed() where dice.next() % 2 == 0 {
            _ = Foundation.rename(rename.to, rename.from)
        }
        renames = []
        for path in Self.files(in: folder) {
            // The index of a log is memory, and is made anew.
            if path.hasSuffix("-shm") {
                _ = unlink(path)
                continue
            }
            guard let facts = Self.facts(path) else { continue }
            let synced = syncedBytes[facts.number] ?? 0
            if facts.bytes > synced { _ = truncate(path, synced) }
        }
    }

    private static func facts(_ path: String) -> (number: UInt64, bytes: Int)? {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return (UInt64(facts.st_ino), Int(facts.st_size))
    }

    /// The files of a folder and of the folders in it, by name: a path counts, so that two simulations of a seed agree.
    static func files(in folder: URL) -> [String] {
        let path = folder.path
        guard let names = FileManager.default.subpaths(atPath: path) else { return [] }
        return names.sorted().map { "\(path)/\($0)" }
    }
}
