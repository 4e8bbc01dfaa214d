#if Temporal
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Logging
import TestSupport
import Testing

@testable import TemporalEngine

@Suite("A server is believed by its certificate, and believes by certificate or key", .timeLimit(.minutes(5)))
struct SecurityTests {
    /// What no repetition mends is said at once: nobody waits so long.
    private static let long = Duration.seconds(3_600)

    /// Knows every namespace of a client that shows the key.
    private struct Namespaces: RegistrableRPCService {
        static let key = "k3y"

        func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            let method = TemporalEngine.Method.describeNamespace
            router.registerHandler(
                forMethod: method.descriptor,
                deserializer: ProtobufDeserializer<WireDescribeNamespaceRequest>(),
                serializer: ProtobufSerializer<WireNothing>()
            ) { request, _ in
                guard Array(request.metadata[stringValues: "authorization"]) == ["Bearer \(Self.key)"] else {
                    throw RPCError(code: .unauthenticated, message: "who are you?")
                }
                return StreamingServerResponse { writer in
                    try await writer.write(WireNothing())
                    return [:]
                }
            }
        }
    }

    /// Calls with the port of a server.
    private func with(
        _ certificate: TestCertificate?,
        clientsOf authority: URL? = nil,
        _ body: (Int) async throws -> Void
    ) async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: certificate.map { Self.security($0, clientsOf: authority) } ?? .plaintext
        )
        let server = GRPCServer(transport: transport, services: [Namespaces()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            let port = try #require(try await transport.listeningAddress.ipv4?.port)
            defer { server.beginGracefulShutdown() }
            try await body(port)
        }
    }

    private static func security(_ certificate: TestCertificate, clientsOf authority: URL?)
        -> HTTP2ServerTransport.Posix.TransportSecurity
    {
        let chain = TLSConfig.CertificateSource.file(path: certificate.chain.path, format: .pem)
        let key = TLSConfig.PrivateKeySource.file(path: certificate.key.path, format: .pem)
        guard let authority else { return .tls(certificateChain: [chain], privateKey: key) }
        return .mTLS(certificateChain: [chain], privateKey: key) {
            $0.trustRoots = .certificates([.file(path: authority.path, format: .pem)])
        }
    }

    private func connect(
        _ port: Int,
        _ security: TemporalOptions.Security,
        serverName: String? = nil,
        key: String? = Namespaces.key,
        patience: Duration = .seconds(2)
    ) async throws {
        let options = TemporalOptions(
            taskQueue: "q",
            security: security,
            serverName: serverName,
            apiKey: key,
            patience: patience
        )
        let client = try await TemporalClient.connect(
            to: TemporalAddress(host: "127.0.0.1", port: port),
            options: options,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        await client.close()
    }

    @Test("The server that the authority vouches for is believed; another authority's, or one of another name, is not")
    func server() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        try await with(try authority.certificate(for: "IP:127.0.0.1")) { port in
            try await connect(port, .tls(rootsFile: authority.certificate.path))
            for security in [.tls(rootsFile: other.certificate.path), .tls(rootsFile: nil)]
                as [TemporalOptions.Security]
            {
                let error = await #expect(throws: TemporalError.self) {
                    try await connect(port, security, patience: Self.long)
                }
                #expect(error?.description.contains("an authority that is not trusted: TEMPORAL_TLS_CA names") == true)
            }
            let error = await #expect(throws: TemporalError.self) { try await connect(port, .plaintext) }
            #expect(error?.description.contains("If it wants TLS, say so: TEMPORAL_TLS=1") == true)
        }
        try await with(try authority.certificate(for: "DNS:temporal.example")) { port in
            let security = TemporalOptions.Security.tls(rootsFile: authority.certificate.path)
            try await connect(port, security, serverName: "temporal.example")
            for name in [nil, "other.example"] {
                let error = await #expect(throws: TemporalError.self) {
                    try await connect(port, security, serverName: name, patience: Self.long)
                }
                #expect(error?.description.contains("is for another host") == true, "\(error?.description ?? "")")
            }
        }
    }

    @Test("A client shows its certificate where the server wants one, and the server looks whose it is")
    func client() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        let roots = authority.certificate.path
        try await with(try authority.certificate(for: "IP:127.0.0.1"), clientsOf: authority.certificate) { port in
            func connect(as certificate: TestCertificate) async throws {
                let (chain, key) = (certificate.chain.path, certificate.key.path)
                let security = TemporalOptions.Security.mutualTLS(
                    certificateFile: chain,
                    keyFile: key,
                    rootsFile: roots
                )
                try await self.connect(port, security, patience: Self.long)
            }
            try await connect(as: try authority.certificate(for: "DNS:client"))
            let stranger = await #expect(throws: TemporalError.self) {
                try await connect(as: try other.certificate(for: "DNS:client"))
            }
            let nobody = await #expect(throws: TemporalError.self) {
                try await self.connect(port, .tls(rootsFile: roots), patience: Self.long)
            }
            for error in [stranger, nobody] {
                #expect(
                    error?.description.contains("It wants a client's certificate that it trusts: TEMPORAL_TLS_CERT")
                        == true
                )
            }
        }
    }

    @Test("A server without TLS is told from one that does not answer")
    func withoutTLS() async throws {
        try await with(nil) { port in
            try await connect(port, .plaintext)
            let error = await #expect(throws: TemporalError.self) {
                try await connect(port, .tls(rootsFile: nil), patience: Self.long)
            }
            #expect(error?.description.contains("It does not speak TLS: mend the address") == true)
        }
    }

    @Test("An API key goes with each call; without it, or with another one, the refusal says where to look")
    func key() async throws {
        let authority = try TestAuthority()
        try await with(try authority.certificate(for: "IP:127.0.0.1")) { port in
            let security = TemporalOptions.Security.tls(rootsFile: authority.certificate.path)
            try await connect(port, security)
            for key in [nil, "other"] {
                let error = await #expect(throws: TemporalError.self) { try await connect(port, security, key: key) }
                #expect(error?.description.contains("who are you?") == true)
                #expect(error?.description.contains("Look at its certificate or API key.") == true)
            }
        }
    }
}
#endif
