import Foundation
import SQLConnectors
import TestSupport
import Testing

@testable import BackfillKit

@Suite("Over TLS a server has to show a certificate of an authority that is trusted, for its own name")
struct HTTPSecurityTests {
    @Test("The authority that the spec names is trusted, for the host it vouches for; the system's is not enough")
    func trust() async throws {
        let authority = try TestAuthority()
        let server = try await WebServer(certificate: try authority.certificate(for: "IP:127.0.0.1"))
        let url = "https://127.0.0.1:\(server.port)/"
        try await HTTPSample.withSink(to: server) {
            $0.url.secret = url
            $0.certificateAuthority = authority.certificate
        } _: { sink in
            try await sink.check(Sample.schema("id"))
            _ = try await sink.write(HTTPSample.messages(1...20))
        }
        #expect(server.requests.count == 20 && server.connections <= 4)
        try await HTTPSample.withSink(to: server) {
            $0.url.secret = url
        } _: { sink in
            let error = await #expect(throws: SinkError.self) { try await sink.write(HTTPSample.messages(1...1)) }
            #expect(
                error?.description.contains("an authority that is not trusted") == true,
                "\(String(describing: error))"
            )
        }
        #expect(server.requests.count == 20)
    }

    @Test("A certificate for another host is no certificate")
    func otherHost() async throws {
        let authority = try TestAuthority()
        let server = try await WebServer(certificate: try authority.certificate(for: "DNS:other.example"))
        try await HTTPSample.withSink(to: server) {
            $0.url.secret = "https://127.0.0.1:\(server.port)/"
            $0.certificateAuthority = authority.certificate
        } _: { sink in
            let error = await #expect(throws: SinkError.self) { try await sink.write(HTTPSample.messages(1...1)) }
            #expect(
                error?.description.contains("certificate is for another host") == true,
                "\(String(describing: error))"
            )
        }
        #expect(server.requests.isEmpty)
    }

    @Test("A file that holds no certificates is found before the first record")
    func noCertificates() async throws {
        let folder = try ScratchFolder()
        try Data("nothing".utf8).write(to: folder.file("empty.pem"))
        for name in ["empty.pem", "missing.pem"] {
            let spec = HTTPSample.spec("https://127.0.0.1:1/", authority: folder.file(name))
            let sink = try HTTPSink(spec, name: "http", logger: nil)
            let error = await #expect(throws: SinkError.self) { try await sink.check(Sample.schema("id")) }
            #expect(error?.description.contains(name) == true && error?.description.contains("PEM file") == true)
        }
    }
}
