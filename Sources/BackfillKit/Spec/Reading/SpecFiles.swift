import Foundation

/// The spec file's folder, and how files near it are named, found and read.
struct SpecFiles {
    /// The spec file as whoever asked for it named it.
    let shownFile: String
    /// The spec file, absolute.
    let file: URL

    init(file: String) {
        shownFile = file
        self.file = URL(fileURLWithPath: file).standardizedFileURL
    }

    /// A path of the spec, absolute.
    func url(_ path: String) -> URL {
        URL(fileURLWithPath: path, relativeTo: file.deletingLastPathComponent()).absoluteURL.standardizedFileURL
    }

    /// A path of the spec as it reads from where the spec file was named.
    func shown(_ path: String) -> String {
        let folder = (shownFile as NSString).deletingLastPathComponent
        if path.hasPrefix("/") || folder.isEmpty { return path }
        return (folder as NSString).appendingPathComponent(path)
    }

    /// Why a file's text cannot be had.
    struct Failure: Error {
        let message: String
        let advice: String
    }

    /// A text is read whole, so a database named by mistake must not be.
    static let longestText = 16 * 1_048_576

    /// The text of a regular file that is not larger than 16 MiB. Failures do not name the file: variables may be part of its path.
    static func readText(_ url: URL) throws(Failure) -> String {
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path)
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            throw Failure(
                message: "does not exist",
                advice: "Check the path; in a spec, paths begin at the spec file's folder."
            )
        } catch {
            throw unreadable(error)
        }
        let kind = attributes[.type] as? FileAttributeType
        guard kind == .typeRegular else {
            throw Failure(
                message: kind == .typeDirectory ? "is a folder" : "is not a regular file",
                advice: "Name a text file."
            )
        }
        if let size = attributes[.size] as? Int, size > longestText {
            throw Failure(
                message: "has \(size) bytes: more than any text of a spec",
                advice: "Name a text file, not a database."
            )
        }
        let data: Data
        do { data = try Data(contentsOf: url) } catch { throw unreadable(error) }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Failure(message: "is not UTF-8 text", advice: "Save it as UTF-8, or name a text file.")
        }
        // Databases stop reading a statement at it, without a word.
        if text.utf8.contains(0) {
            throw Failure(message: "holds a NUL character", advice: "Take it out, or name a text file.")
        }
        return text
    }

    private static func unreadable(_ error: any Error) -> Failure {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        if let code = (cause as? POSIXError)?.code {
            return Failure(
                message: "cannot be read: \(String(cString: strerror(code.rawValue)))",
                advice: "Check its permissions."
            )
        }
        return Failure(message: "cannot be read", advice: "Check its permissions and those of its folder.")
    }
}
