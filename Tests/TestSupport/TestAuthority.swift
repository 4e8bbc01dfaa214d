public import Foundation
import NIOSSL

/// A certificate and its key, both PEM files.
public struct TestCertificate: Sendable {
    /// The certificate and those that vouch for it.
    public let chain: URL
    /// The private key.
    public let key: URL

    /// How a server shows it.
    func serverConfiguration() throws -> TLSConfiguration {
        TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(chain.path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key.path, format: .pem))
        )
    }
}

/// An authority and the certificates that it vouches for, which `openssl` makes in a folder of their own.
public struct TestAuthority: Sendable {
    /// What went wrong with `openssl`.
    public struct Failure: Error {
        let arguments: String
    }

    private let folder: ScratchFolder

    /// The authority's own certificate, a PEM file.
    public var certificate: URL { folder.file("ca.pem") }

    /// Makes an authority that nobody else knows.
    public init() throws {
        folder = try ScratchFolder()
        try openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 1 -subj /CN=Test")
    }

    /// Makes a certificate.
    ///
    /// - Parameter name: whom it is for, such as `IP:127.0.0.1` or `DNS:server.example`.
    public func certificate(for name: String) throws -> TestCertificate {
        let file = name.replacing(":", with: "-")
        try Data("subjectAltName=\(name)".utf8).write(to: folder.file("\(file).names"))
        try openssl("req -newkey rsa:2048 -nodes -keyout \(file).key -out \(file).csr -subj /CN=test")
        try openssl(
            "x509 -req -in \(file).csr -CA ca.pem -CAkey ca.key -CAcreateserial -out \(file).pem -days 1 -extfile \(file).names"
        )
        return TestCertificate(chain: folder.file("\(file).pem"), key: folder.file("\(file).key"))
    }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder.url
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(arguments: arguments) }
    }
}
