import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A request that got no answer.
struct HTTPFault: Error, CustomStringConvertible {
    /// What happened, as part of a sentence. Shows neither URL nor host: both may be secret.
    let description: String
    /// Whether it is a matter of certificates, which no repetition mends.
    let isMistrust: Bool
    /// Whether only the time was up.
    let isLate: Bool

    private init(_ description: String, isMistrust: Bool = false, isLate: Bool = false) {
        self.description = description
        self.isMistrust = isMistrust
        self.isLate = isLate
    }

    /// The answer did not come in time.
    static func late(_ timeout: Duration) -> HTTPFault { HTTPFault("no answer within \(timeout)", isLate: true) }

    /// From what the client throws.
    init(_ error: any Error, timeout: Duration) {
        switch error {
        case let fault as HTTPFault: self = fault
        case let error as HTTPClientError: self = Self.of(error, timeout)
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first {
                self.init(failure.error, timeout: timeout)
            } else {
                self.init("the host is not known")
            }
        case let error as NIOSSLError: self = Self.of(error)
        case is NIOSSLExtraError: self.init("the server's certificate is for another host", isMistrust: true)
        case let error as IOError: self.init("no connection (\(String(cString: strerror(error.errnoCode))))")
        case ChannelError.connectTimeout: self.init("no connection in time")
        case is SocketAddressError: self.init("the host is not known")
        default: self.init("no connection (\(type(of: error)))")
        }
    }

    private static func of(_ error: HTTPClientError, _ timeout: Duration) -> HTTPFault {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: late(timeout)
        case .connectTimeout, .getConnectionFromPoolTimeout: HTTPFault("no connection in time")
        case .tlsHandshakeTimeout: HTTPFault("no TLS handshake in time")
        case .remoteConnectionClosed, .uncleanShutdown: HTTPFault("the connection was cut before the answer was whole")
        default: HTTPFault(error.shortDescription)
        }
    }

    private static func of(_ error: NIOSSLError) -> HTTPFault {
        switch error {
        case .handshakeFailed(let cause):
            // BoringSSL's words for it are all there is to tell it by.
            let isMistrust = "\(cause)".contains("CERTIFICATE_VERIFY_FAILED")
            return isMistrust
                ? HTTPFault("the server's certificate comes from an authority that is not trusted", isMistrust: true)
                : HTTPFault("the TLS handshake failed")
        case .unableToValidateCertificate, .noCertificateToValidate, .failedToLoadCertificate, .noSuchFilesystemObject:
            return HTTPFault("the server's certificate could not be checked", isMistrust: true)
        case .uncleanShutdown: return HTTPFault("the connection was cut before the answer was whole")
        default: return HTTPFault("the TLS connection failed")
        }
    }
}
