import Foundation

/// State files hold other people's data: they are made for their owner only.
enum PrivateFile {
    /// Makes an empty file with mode 0600 unless one is there. SQLite gives its `-wal` and `-shm` files the mode of the database.
    static func create(at file: URL) throws {
        let folder = file.deletingLastPathComponent()
        try createFolder(at: folder)
        guard !FileManager.default.fileExists(atPath: file.path) else { return }
        let descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StateError.folder(folder, cause: String(cString: strerror(errno))) }
        close(descriptor)
    }

    /// Makes a folder with mode 0700, and those above it as needed.
    static func createFolder(at folder: URL) throws {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: folder.path, isDirectory: &isDirectory) {
            if isDirectory.boolValue { return }
            throw StateError.folder(folder, cause: "a file of that name is in the way")
        }
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            let cause = underlying.map {
                $0.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32($0.code))) : $0.localizedDescription
            }
            throw StateError.folder(folder, cause: cause ?? "\(error.localizedDescription)")
        }
    }
}
