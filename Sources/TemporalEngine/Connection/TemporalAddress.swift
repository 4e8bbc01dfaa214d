#if Temporal
/// Where a Temporal server listens, and which namespace of it is used.
public struct TemporalAddress: Sendable, Hashable, CustomStringConvertible {
    /// The server's name or address.
    public var host: String
    /// The port of its gRPC interface.
    public var port: Int
    /// The namespace; it must be there already.
    public var namespace: String

    /// Names a server and a namespace.
    public init(host: String, port: Int = 7233, namespace: String = "default") {
        self.host = host
        self.port = port
        self.namespace = namespace
    }

    /// Reads `temporal://HOST[:PORT][/NAMESPACE]`; an IPv6 address stands in brackets. The port is 7233 and the namespace `default` unless
    /// given.
    ///
    /// - Throws: ``TemporalError`` that says what is wrong with the text.
    public init(_ text: String) throws {
        guard text.hasPrefix(Self.scheme) else {
            throw TemporalError("`\(text)` is no address of a Temporal server. Write temporal://HOST:7233/NAMESPACE.")
        }
        let parts = text.dropFirst(Self.scheme.count).split(
            separator: "/",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        namespace = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : "default"
        guard !namespace.contains("/") else {
            throw TemporalError(
                "`\(text)`: `\(namespace)` is no name of a namespace. Write temporal://HOST:7233/NAMESPACE."
            )
        }
        let place = parts[0]
        let name: Substring
        let digits: Substring?
        if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
            name = place[place.index(after: place.startIndex)..<end]
            let rest = place[place.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw TemporalError("`\(text)`: after the address in brackets comes a colon and the port.")
            }
            digits = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let pair = place.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            name = pair[0]
            digits = pair.count > 1 ? pair[1] : nil
        }
        guard !name.isEmpty else {
            throw TemporalError("`\(text)` names no host. Write temporal://HOST:7233/NAMESPACE.")
        }
        host = String(name)
        if let digits {
            guard let number = Int(digits), (1...65535).contains(number) else {
                throw TemporalError("`\(text)`: `\(digits)` is no port. Ports are numbers from 1 to 65535.")
            }
            port = number
        } else {
            port = 7233
        }
    }

    /// What such an address begins with.
    public static let scheme = "temporal://"

    /// The address as it is written.
    public var description: String {
        "\(Self.scheme)\(host.contains(":") ? "[\(host)]" : host):\(port)/\(namespace)"
    }
}

/// Why a Temporal server cannot be used; the text says what to do.
public struct TemporalError: Error, CustomStringConvertible, Sendable {
    /// What is wrong and what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}
#endif
