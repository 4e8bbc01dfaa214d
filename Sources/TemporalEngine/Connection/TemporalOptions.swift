#if Temporal
public import Foundation

/// How a Temporal server is reached.
public struct TemporalOptions: Sendable {
    /// How the connection is protected.
    public enum Security: Sendable, Hashable {
        /// Not at all: for a server on the same machine or in a network of its own.
        case plaintext
        /// The server shows a certificate.
        ///
        /// - rootsFile: PEM file of the authorities that are trusted; the system's when nil.
        case tls(rootsFile: String?)
        /// The server shows a certificate, and so does the client.
        ///
        /// - certificateFile, keyFile: the client's chain and its key, in PEM files.
        case mutualTLS(certificateFile: String, keyFile: String, rootsFile: String?)
    }

    /// How the connection is protected.
    public var security: Security
    /// The name that the server's certificate has to carry, when it is not the address's host.
    public var serverName: String?
    /// Sent with each call as `authorization: Bearer …`; never logged.
    public var apiKey: String?
    /// 32 bytes that payloads are encrypted with (AES-GCM); in clear text when nil.
    public var payloadKey: Data?
    /// The task queue that this client's workflows run on, and its workers poll.
    public var taskQueue: String
    /// Who this is, as the server's histories and lists show it.
    public var identity: String
    /// How long a call is repeated while the server cannot be reached or is busy.
    public var patience: Duration

    /// Names a task queue; the rest has defaults.
    public init(
        taskQueue: String,
        security: Security = .plaintext,
        serverName: String? = nil,
        apiKey: String? = nil,
        payloadKey: Data? = nil,
        identity: String = "\(ProcessInfo.processInfo.processIdentifier)@\(ProcessInfo.processInfo.hostName)",
        patience: Duration = .seconds(60)
    ) {
        self.taskQueue = taskQueue
        self.security = security
        self.serverName = serverName
        self.apiKey = apiKey
        self.payloadKey = payloadKey
        self.identity = identity
        self.patience = patience
    }
}
#endif
