public import Foundation

/// Sends records to an HTTP server, each at least once.
public struct HTTPSinkSpec: Hashable, Sendable {
    /// The methods whose requests have a body.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// Unless another is given.
        case post = "POST"
        /// `method: PUT`.
        case put = "PUT"
        /// `method: PATCH`.
        case patch = "PATCH"
    }

    /// What one request carries.
    public enum Body: String, Hashable, Sendable, CaseIterable {
        /// One record, as a JSON object.
        case record
        /// A batch, as a JSON array of objects.
        case array
        /// A batch, as JSON objects that end in a line feed each.
        case ndjson
    }

    /// A header of every request.
    public struct Header: Hashable, Sendable {
        /// As written.
        public var name: String
        /// Never shown, variables or not.
        public var value: SecretText
    }

    /// `url`, required: `http://…` or `https://…`. A user and password in it are sent as basic authorization.
    public var url: SecretText
    /// `method`: POST unless given.
    public var method: Method
    /// `headers`, in the order given.
    public var headers: [Header]
    /// `body`: one record a request unless given.
    public var body: Body
    /// `concurrency`: requests under way at once, over all executors, 1…1,000; 16 unless given. As many connections are kept open at most.
    public var concurrency: Int
    /// `timeout`: how long one request may take until its answer, 100 ms…10 min; 30 s unless given.
    public var timeout: Duration
    /// `idempotency-header`: the header that carries the correlation id; `Idempotency-Key` unless given.
    public var idempotencyHeader: String
    /// `ca`: a PEM file with the authorities that the server's certificate may come from; the system's unless given.
    public var certificateAuthority: URL?
}
