import Foundation
import NIOCore
import NIOHTTP1

/// What a server said to a request.
struct HTTPAnswer: Sendable {
    /// Such as 200.
    var status: Int
    /// How long it asks to be left alone.
    var retryAfter: Duration?
    /// What it says of an error; see ``words(in:)``.
    var words: String?

    /// `404 Not Found`; the server's own phrase could hold anything.
    var statusLine: String {
        let phrase = HTTPResponseStatus(statusCode: status).reasonPhrase
        return phrase.isEmpty ? "\(status)" : "\(status) \(phrase)"
    }

    static let longestWords = 200

    /// The short text under `error`, `message` or `title` of a JSON object, on one line; nil for everything else, since an answer may repeat
    /// what was sent.
    static func words(in body: ByteBuffer) -> String? {
        guard let object = try? JSONSerialization.jsonObject(with: Data(body.readableBytesView)) as? [String: Any]
        else { return nil }
        for key in ["error", "message", "title"] {
            let text = object[key] as? String ?? (object[key] as? [String: Any])?["message"] as? String
            guard let text, !text.isEmpty, text.count <= longestWords else { continue }
            // Control characters could move a terminal's cursor.
            return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isPrintable ? $0 : " " }))
        }
        return nil
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
        default: true
        }
    }
}
