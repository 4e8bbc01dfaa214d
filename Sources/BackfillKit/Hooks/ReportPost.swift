import Foundation
import NIOCore

/// Sends a report to a URL. Neither the report nor a secret in the URL gets into an error.
struct ReportPost {
    let url: SecretText
    /// The same for every attempt, so that the receiver can tell a repetition.
    let key: String

    private static let timeout = Duration.seconds(30)

    /// - Throws: ``ReportRefused`` when a repetition would be refused as well, ``ReportFailed`` when it may succeed.
    func send(_ report: RunStats) async throws {
        guard let address = HTTPAddress(url) else { throw ReportRefused(description: "\(url) is no URL.") }
        let request = HTTPTransport.Request(
            address: address,
            method: "POST",
            headers: [("Content-Type", "application/json"), ("Idempotency-Key", key)],
            body: ByteBuffer(bytes: try ReportJSON.encode(report))
        )
        let answer: HTTPAnswer
        let transport = HTTPTransport(timeout: Self.timeout, connections: 1)
        do {
            answer = try await transport.send(request)
            await transport.close()
        } catch {
            await transport.close()
            guard let fault = error as? HTTPFault else { throw error }
            throw ReportFailed(
                description: "The report could not be sent to \(url): \(fault). Check that the server runs."
            )
        }
        switch HTTPVerdict(status: answer.status, retryAfter: answer.retryAfter) {
        case .taken: return
        case .busy, .failed:
            throw ReportFailed(
                description: "The report could not be sent to \(url): the server answered \(answer.status)."
            )
        case .refused, .misdirected:
            throw ReportRefused(
                description:
                    "The report was refused by \(url): the server answered \(answer.status). Check the hook's `post:`."
            )
        }
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
