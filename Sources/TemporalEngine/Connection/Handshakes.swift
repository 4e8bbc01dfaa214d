#if Temporal
import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// What was heard of TLS handshakes that failed; the transport tells only that a connection ended.
final class Handshakes: Sendable {
    private let last = Mutex<String?>(nil)

    /// Why the last one failed, where no repetition mends it, and what to do; nil when it did not fail so.
    var mistrust: String? { last.withLock { $0 } }

    /// One was completed. What the server thinks of this side's certificate may still come.
    func completed() { last.withLock { $0 = nil } }

    /// Takes in why a connection failed.
    func failed(_ error: any Error) {
        guard let text = Self.text(of: error) else { return }
        last.withLock { $0 = text }
    }

    /// BoringSSL's words are all there is to tell one failure from another by.
    private static func text(of error: any Error) -> String? {
        let words = "\(error)"
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            return "Its certificate is for another host: TEMPORAL_TLS_SERVER_NAME is the name to expect."
        }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        if words.contains("CERTIFICATE_VERIFY_FAILED") {
            return
                "Its certificate has expired, or comes from an authority that is not trusted: TEMPORAL_TLS_CA names those that are."
        }
        // The server's answers to what it was shown.
        let alerts = ["UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_", "UNSUPPORTED_CERTIFICATE", "ACCESS_DENIED"]
        if alerts.contains(where: { words.contains("_ALERT_\($0)") }) {
            return "It wants a client's certificate that it trusts: TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY name it."
        }
        guard words.contains("WRONG_VERSION_NUMBER") else { return nil }
        return
            "It does not speak TLS: mend the address, or take TEMPORAL_TLS… and TEMPORAL_API_KEY out of the environment."
    }
}

/// Behind TLS: hears how it went.
final class HandshakeListener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let handshakes: Handshakes

    init(_ handshakes: Handshakes) { self.handshakes = handshakes }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { handshakes.completed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshakes.failed(error)
        context.fireErrorCaught(error)
    }
}
#endif
