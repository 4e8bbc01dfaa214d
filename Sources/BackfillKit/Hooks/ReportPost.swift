import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends a report to a URL. Neither the report nor a secret in the URL gets into an error.
struct ReportPost {
    let url: SecretText
    /// The same for every attempt, so that the receiver can tell a repetition.
    let key: String

    private static let timeout: TimeInterval = 30

    /// - Throws: ``ReportRefused`` when a repetition would be refused as well, ``ReportFailed`` when it may succeed.
    func send(_ report: RunStats) async throws {
        guard let place = URL(string: url.secret) else { throw ReportRefused(description: "\(url) is no URL.") }
        var request = URLRequest(url: place, timeoutInterval: Self.timeout)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue(key, forHTTPHeaderField: "Idempotency-Key")
        request.httpBody = try ReportJSON.encode(report)
        let status: Int
        do {
            let (_, response) = try await URLSession(
                configuration: .ephemeral,
                delegate: NoRedirects(),
                delegateQueue: nil
            ).data(for: request)
            status = (response as? HTTPURLResponse)?.statusCode ?? 0
        } catch let error as URLError {
            throw ReportFailed(
                description:
                    "The report could not be sent to \(url): \(Self.text(of: error)). Check that the server runs."
            )
        }
        switch status {
        case 200..<300: return
        case 408, 425, 429, 500...:
            throw ReportFailed(description: "The report could not be sent to \(url): the server answered \(status).")
        default:
            throw ReportRefused(
                description:
                    "The report was refused by \(url): the server answered \(status). Check the hook's `post:`."
            )
        }
    }

    /// The error's own text may quote the URL.
    private static func text(of error: URLError) -> String {
        switch error.code {
        case .timedOut: "no answer in \(Int(timeout)) s"
        case .cannotConnectToHost: "no connection"
        case .cannotFindHost, .dnsLookupFailed: "the host is not known"
        case .networkConnectionLost: "the connection was lost"
        default: "network error \(error.code.rawValue)"
        }
    }
}

/// A redirected POST would go on as a GET, without the report.
private final class NoRedirects: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}

/// The receiver of a report will not have it. No retry mends that.
struct ReportRefused: Error, CustomStringConvertible {
    let description: String
}

/// A report could not be sent just now.
struct ReportFailed: Error, CustomStringConvertible {
    let description: String
}
