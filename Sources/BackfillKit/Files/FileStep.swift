import Foundation
import SQLConnectors

/// The moments of writing at which a process may die; tests let it.
enum FileStep: CaseIterable, Sendable {
    case partialMade, begun
    case beforeWrite, dataWritten, dataSynced, ledgerMoved
    case markedFinishing, renamed, folderSynced, ledgerRemoved
}

/// Facts and failures of a file sink's disk.
enum FileDisk {
    /// Bytes of a file; nil when there is none.
    static func byteCount(of file: URL) throws -> Int64? {
        var facts = stat()
        guard lstat(file.path, &facts) == 0 else {
            if errno == ENOENT { return nil }
            throw DurableFile.Failure("look at", file)
        }
        return Int64(facts.st_size)
    }

    /// Removes a file; one that is not there is removed already.
    static func remove(_ file: URL) throws {
        guard unlink(file.path) == 0 || errno == ENOENT else { throw DurableFile.Failure("remove", file) }
    }

    /// - Throws: ``SinkError`` when there is no folder to write to.
    static func checkFolder(of target: FileTarget) throws {
        var facts = stat()
        let folder = target.folder.path
        guard stat(folder, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw SinkError(
                "There is no folder \(folder) for \(target.file.lastPathComponent): make it (mkdir -p '\(folder)')."
            )
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw SinkError(
                "The folder \(folder) cannot be written to: \(String(cString: strerror(errno))). Give yourself the right, or name another."
            )
        }
    }

    /// The text of a failed system call for a person.
    static func unavailable(_ failure: DurableFile.Failure, _ target: FileTarget) -> TargetUnavailable {
        switch failure.code {
        case ENOSPC, EDQUOT:
            TargetUnavailable(
                "The disk is full: \(target.partial.path) cannot grow. Make room; what is written so far is safe."
            )
        case EROFS, EACCES, EPERM:
            TargetUnavailable("\(target.partial.path) cannot be written (\(failure)). Make the folder writable.")
        case ENOENT, ENOTDIR:
            TargetUnavailable(
                "\(target.partial.path) cannot be reached (\(failure)). Bring the folder \(target.folder.path) back."
            )
        default: TargetUnavailable("\(target.partial.path) cannot be written: \(failure).")
        }
    }
}
