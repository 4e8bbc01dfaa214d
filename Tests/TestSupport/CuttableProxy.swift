public import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A way to a server on the loopback address that can be cut: then nothing passes and nobody is told, as when a cable is pulled. It may be
/// protected by TLS, also where the server knows none.
public final class CuttableProxy: Sendable {
    private struct State {
        var listener: (any Channel)?
        var pairs: [ObjectIdentifier: any Channel] = [:]
        var isCut = false
    }

    private let state = Mutex(State())
    private let target: Int
    private let security: NIOSSLContext?

    /// Opens the way.
    ///
    /// - Parameters:
    ///   - port: where the server listens.
    ///   - certificate: what is shown to clients, which have to speak HTTP/2 over TLS then.
    ///   - authority: who has to vouch for clients, a PEM file; nil lets in everybody.
    public init(to port: Int, certificate: TestCertificate? = nil, clientsOf authority: URL? = nil) async throws {
        target = port
        security = try certificate.map { certificate in
            var configuration = try certificate.serverConfiguration()
            configuration.applicationProtocols = ["h2"]
            if let authority {
                configuration.trustRoots = .file(authority.path)
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        }
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [weak self] channel in
                guard let self else { return channel.close() }
                return self.connect(channel)
            }
            .bind(host: "127.0.0.1", port: 0).get()
        state.withLock { $0.listener = listener }
    }

    /// Where it listens.
    public var port: Int { state.withLock { $0.listener?.localAddress?.port ?? 0 } }

    /// From now on nothing passes; new connections are taken and lead nowhere.
    public func cut() { setCut(true) }

    /// What was open is gone, and what comes new passes.
    public func mend() {
        setCut(false)
        let old = state.withLock { state in
            defer { state.pairs = [:] }
            return Array(state.pairs.values)
        }
        for channel in old { channel.close(promise: nil) }
    }

    /// Closes everything.
    public func close() async {
        mend()
        try? await state.withLock { $0.listener }?.close()
    }

    private func setCut(_ isCut: Bool) {
        let channels = state.withLock { state in
            state.isCut = isCut
            return Array(state.pairs.values)
        }
        for channel in channels { _ = channel.setOption(.autoRead, value: !isCut) }
    }

    private func keep(_ channel: any Channel) {
        state.withLock { $0.pairs[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { $0.pairs[ObjectIdentifier(channel)] = nil }
        }
    }

    private func connect(_ near: any Channel) -> EventLoopFuture<Void> {
        if let security {
            do { try near.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: security)) } catch {
                return near.eventLoop.makeFailedFuture(error)
            }
        }
        keep(near)
        if state.withLock({ $0.isCut }) { return near.eventLoop.makeSucceededVoidFuture() }
        return ClientBootstrap(group: near.eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: target)
            .flatMap { far in
                self.keep(far)
                return near.pipeline.addHandler(Forwarder(to: far)).flatMap {
                    far.pipeline.addHandler(Forwarder(to: near))
                }.flatMap {
                    near.setOption(.autoRead, value: true)
                }.flatMap {
                    far.setOption(.autoRead, value: true)
                }
            }
    }
}

/// Hands on what it reads, and the end.
private final class Forwarder: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
