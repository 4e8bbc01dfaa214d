import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Sends requests over connections that it keeps open. Follows no redirect, repeats nothing, logs nothing.
final class HTTPTransport: Sendable {
    /// A request with its body.
    struct Request: Sendable {
        var address: HTTPAddress
        var method: String
        /// In this order, beside the length and the host.
        var headers: [(name: String, value: String)]
        var body: ByteBuffer
    }

    private let timeout: Duration
    private let configuration: HTTPClient.Configuration
    /// Made with the first request: looking at a sink opens nothing.
    private let client = Mutex<HTTPClient?>(nil)

    /// Longer answers are read no further; their connection is given up.
    private static let longestAnswer = 64 << 10

    /// - Parameters:
    ///   - timeout: for each request, until its answer is whole.
    ///   - connections: kept open at most; no more requests may be under way at once.
    ///   - authority: a PEM file; nil for the system's authorities.
    init(timeout: Duration, connections: Int, authority: URL? = nil) {
        self.timeout = timeout
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authority { tls.trustRoots = .file(authority.path) }
        let limit = TimeAmount.nanoseconds(Int64(timeout / .nanoseconds(1)))
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: min(.seconds(10), limit), read: limit)
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // Attempts are counted and reported by whoever sends.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        self.configuration = configuration
    }

    deinit {
        // Nobody is left to hear of it.
        client.withLock { $0 }?.shutdown { _ in }
    }

    /// - Throws: ``HTTPFault`` when there was no answer; `CancellationError`.
    func send(_ request: Request) async throws -> HTTPAnswer {
        let client = client.withLock { client in
            if let open = client { return open }
            let fresh = HTTPClient(configuration: configuration)
            client = fresh
            return fresh
        }
        var outgoing = HTTPClientRequest(url: request.address.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        outgoing.headers = HTTPHeaders(request.headers)
        for (name, value) in [("Authorization", request.address.authorization), ("User-Agent", "backfill")] {
            if let value, !outgoing.headers.contains(name: name) { outgoing.headers.add(name: name, value: value) }
        }
        outgoing.body = .bytes(request.body)
        let deadline = ContinuousClock.now + timeout
        do {
            let limit = TimeAmount.nanoseconds(Int64(timeout / .nanoseconds(1)))
            let response = try await client.execute(outgoing, timeout: limit)
            // Only a connection whose answer was read to its end can be used again.
            let body = try await read(response, until: deadline)
            return HTTPAnswer(
                status: Int(response.status.code),
                retryAfter: response.headers.first(name: "Retry-After").flatMap {
                    RetryAfter.parse($0, serverDate: response.headers.first(name: "Date"))
                },
                words: HTTPAnswer.words(in: body)
            )
        } catch {
            try Task.checkCancellation()
            throw HTTPFault(error, timeout: timeout)
        }
    }

    /// The answer's body as far as it is looked at. The client's own deadline ends with the head of an answer.
    private func read(_ response: HTTPClientResponse, until deadline: ContinuousClock.Instant) async throws
        -> ByteBuffer
    {
        var body = ByteBuffer()
        for try await var part in response.body {
            body.writeBuffer(&part)
            if body.readableBytes > Self.longestAnswer { return ByteBuffer() }
            if ContinuousClock.now > deadline { throw HTTPFault.late(timeout) }
        }
        return body
    }

    /// Closes all connections; a later request opens them again.
    func close() async {
        let open = client.withLock { client in
            defer { client = nil }
            return client
        }
        // Closing has no way to fail that anybody could do something about.
        try? await open?.shutdown()
    }
}
