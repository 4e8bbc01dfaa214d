public import Foundation
import Synchronization

/// A real HTTP server on a free loopback port, for what sends requests: it keeps them, and answers with the statuses it was given, one after
/// the other, the last one for ever. Gone with its last reference.
public final class HTTPServer: Sendable {
    /// What a client has sent.
    public struct Request: Sendable {
        /// `POST /path HTTP/1.1`.
        public var line: String
        /// By lower-case name.
        public var headers: [String: String]
        /// As sent.
        public var body: Data
    }

    private struct State {
        var statuses: [Int]
        var requests: [Request] = []
    }

    private let state: Mutex<State>
    private let listener: Int32
    /// Where it listens.
    public let port: UInt16

    /// - Parameter statuses: at least one.
    public init(answering statuses: Int...) throws {
        state = Mutex(State(statuses: statuses))
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The socket calls take the general address type, which every particular one begins like.
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) | listen(listener, 16) | getsockname(listener, address, &length)
            }
        }
        guard status == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                // Closed: the server is gone.
                guard client >= 0 else { return }
                self?.serve(client)
                close(client)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)); close(listener) }

    /// All that came so far.
    public var requests: [Request] { state.withLock { $0.requests } }

    private func serve(_ client: Int32) {
        var received = Data()
        let end = Data("\r\n\r\n".utf8)
        while received.range(of: end) == nil { guard read(client, into: &received) else { return } }
        guard let head = received.range(of: end) else { return }
        let lines = String(decoding: received[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while received.count - head.upperBound < length { guard read(client, into: &received) else { return } }
        let request = Request(line: lines[0], headers: headers, body: received[head.upperBound...])
        let status = state.withLock { state in
            state.requests.append(request)
            return state.statuses.count > 1 ? state.statuses.removeFirst() : state.statuses[0]
        }
        let answer = Array("HTTP/1.1 \(status) Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        _ = answer.withUnsafeBytes { write(client, $0.baseAddress, $0.count) }
    }

    private func read(_ client: Int32, into data: inout Data) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(client, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        data += buffer[..<count]
        return true
    }
}
