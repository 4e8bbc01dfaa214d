#if Temporal
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Logging
import NIOCore
import NIOSSL
import SwiftProtobuf
import Workflows

/// A connection to a Temporal server. It comes back by itself when it was lost, and a call is repeated until its patience ends.
final class TemporalConnection: Sendable {
    let address: TemporalAddress
    let options: TemporalOptions
    let logger: Logger
    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let running: Task<Void, any Error>
    private let metadata: Metadata
    private let handshakes: Handshakes

    /// Begins to connect, and returns when the server has answered and knows the namespace.
    ///
    /// - Throws: ``TemporalError`` when it did not within the options' patience.
    static func open(_ address: TemporalAddress, options: TemporalOptions, logger: Logger) async throws
        -> TemporalConnection
    {
        let connection = try TemporalConnection(address, options: options, logger: logger)
        do {
            var request = WireDescribeNamespaceRequest()
            request.namespace = address.namespace
            let handshakes = connection.handshakes
            _ = try await connection.call(.describeNamespace, request) { handshakes.mistrust != nil }
        } catch let error as RPCError {
            // Before what comes after it is heard.
            let explained = connection.explained(error)
            await connection.close()
            throw explained
        }
        return connection
    }

    private init(_ address: TemporalAddress, options: TemporalOptions, logger: Logger) throws {
        self.address = address
        self.options = options
        self.logger = logger
        let security = try Self.security(options)
        let handshakes = Handshakes()
        self.handshakes = handshakes
        let transport = try HTTP2ClientTransport.Posix(
            target: Self.target(address),
            transportSecurity: security,
            config: .defaults { config in
                // A connection that a firewall has forgotten is noticed without a call, and a poll that waits does not hide it.
                config.connection.keepalive = .init(time: .seconds(15), timeout: .seconds(10), allowWithoutCalls: false)
                config.connection.maxIdleTime = nil
                config.backoff = .init(initial: .milliseconds(100), max: .seconds(5), multiplier: 1.6, jitter: 0.2)
                config.http2.authority = options.serverName
                config.channelDebuggingCallbacks.onCreateTCPConnection = { Self.prepare($0, handshakes) }
            },
            serviceConfig: ServiceConfig()
        )
        let client = GRPCClient(transport: transport)
        self.client = client
        running = Task { try await client.runConnections() }
        var metadata: Metadata = ["temporal-namespace": "\(address.namespace)"]
        if let key = options.apiKey { metadata.addString("Bearer \(key)", forKey: "authorization") }
        self.metadata = metadata
    }

    /// In front of HTTP/2, and behind TLS where there is some.
    private static func prepare(_ channel: any Channel, _ handshakes: Handshakes) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            guard let security = try? pipeline.handler(type: NIOSSLClientHandler.self) else {
                return try pipeline.addHandler(PingAnswerer(), position: .first)
            }
            try pipeline.addHandlers([HandshakeListener(handshakes), PingAnswerer()], position: .after(security))
        }
    }

    /// Ends all calls that are under way.
    func close() async {
        client.beginGracefulShutdown()
        running.cancel()
        _ = await running.result
    }

    private static func target(_ address: TemporalAddress) -> any ResolvableTarget {
        if address.host.contains(":") { return .ipv6(address: address.host, port: address.port) }
        let isIPv4 =
            address.host.split(separator: ".", omittingEmptySubsequences: false).count == 4
            && address.host.allSatisfy { $0.isNumber || $0 == "." }
        return isIPv4
            ? .ipv4(address: address.host, port: address.port) : .dns(host: address.host, port: address.port)
    }

    private static func security(_ options: TemporalOptions) throws -> HTTP2ClientTransport.Posix.TransportSecurity {
        func require(_ path: String) throws -> TLSConfig.CertificateSource {
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw TemporalError("The file \(path), which the connection's security needs, cannot be read.")
            }
            return .file(path: path, format: .pem)
        }
        func roots(_ file: String?) throws -> TLSConfig.TrustRootsSource {
            try file.map { .certificates([try require($0)]) } ?? .systemDefault
        }
        switch options.security {
        case .plaintext: return .plaintext
        case .tls(let file):
            let trusted = try roots(file)
            return .tls { $0.trustRoots = trusted }
        case .mutualTLS(let certificateFile, let keyFile, let rootsFile):
            _ = try require(keyFile)
            let trusted = try roots(rootsFile)
            return .mTLS(
                certificateChain: [try require(certificateFile)],
                privateKey: .file(path: keyFile, format: .pem)
            ) { $0.trustRoots = trusted }
        }
    }

    // MARK: Calls

    /// Calls the server, and again while it cannot be reached or is busy. Whoever calls makes sure that the request may be repeated.
    ///
    /// - Parameter isHopeless: whether to give up before the patience ends.
    /// - Throws: `RPCError`: the server's answer, or the last failure when the patience has ended; `CancellationError`.
    func call<Request, Response>(
        _ method: Method<Request, Response>,
        _ request: Request,
        patience: Duration? = nil,
        unless isHopeless: () -> Bool = { false }
    ) async throws -> Response {
        let end = ContinuousClock.now + (patience ?? options.patience)
        var pause = Duration.milliseconds(20)
        while true {
            do {
                return try await once(method, request)
            } catch let error as RPCError
                where error.isPassing && !isHopeless() && !Task.isCancelled && ContinuousClock.now < end
            {
                logger.debug(
                    "\(method.descriptor.method) is repeated in \(pause): \(error.code): \(error.message)"
                )
                try await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    /// Calls the server once.
    func once<Request, Response>(_ method: Method<Request, Response>, _ request: Request) async throws -> Response {
        try Task.checkCancellation()
        var callOptions = CallOptions.defaults
        callOptions.timeout = method.timeout
        callOptions.waitForReady = false
        // As much as a server sends: histories come in pages of up to 4 MB.
        callOptions.maxResponseMessageBytes = 64 << 20
        return try await client.unary(
            request: ClientRequest(message: request, metadata: metadata),
            descriptor: method.descriptor,
            serializer: ProtobufSerializer<Request>(),
            deserializer: ProtobufDeserializer<Response>(),
            options: callOptions
        ) { try $0.message }
    }

    /// What a person is told when the server cannot be used.
    func explained(_ error: RPCError) -> TemporalError {
        switch error.code {
        case .notFound:
            TemporalError(
                "The Temporal server at \(address.host):\(address.port) has no namespace \(address.namespace). "
                    + "Make it with: temporal operator namespace create --address \(address.host):\(address.port) \(address.namespace)"
            )
        case .unauthenticated, .permissionDenied:
            TemporalError(
                "The Temporal server at \(address.host):\(address.port) refuses this client: \(error.message) "
                    + "Look at its certificate or API key."
            )
        default: unanswered(error)
        }
    }
}

extension TemporalConnection {
    private func unanswered(_ error: RPCError) -> TemporalError {
        let place = "The Temporal server at \(address.host):\(address.port)"
        if let mistrust = handshakes.mistrust {
            return TemporalError("\(place) cannot be talked to. \(mistrust)")
        }
        let security =
            options.security == .plaintext ? " If it wants TLS, say so: TEMPORAL_TLS=1, or TEMPORAL_TLS_CA." : ""
        return TemporalError(
            "\(place) does not answer: \(error.message) Make sure that it runs and that the address is right: "
                + "temporal operator cluster health --address \(address.host):\(address.port)\(security)"
        )
    }
}

extension RPCError {
    /// Whether the same call may succeed a little later.
    var isPassing: Bool {
        switch code {
        case .unavailable, .resourceExhausted, .aborted, .deadlineExceeded, .internalError: true
        // The transport's word for streams and connections that ended before the answer.
        case .unknown, .cancelled: true
        default: false
        }
    }
}
#endif
