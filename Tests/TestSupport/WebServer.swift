import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A real HTTP/1.1 server on a loopback port that keeps connections open and answers as a test says: also not at all, or with a connection that
/// is cut. It may be stopped and started again on its port.
public final class WebServer: Sendable {
    /// What a client has sent.
    public struct Request: Sendable {
        /// Such as `POST`.
        public var method: String
        /// Path and query.
        public var path: String
        /// By lower-case name; the values of one that came twice stand one behind the other, with a comma.
        public var headers: [String: String]
        /// As sent.
        public var body: String
        /// Which connection it came over, from 1.
        public var connection: Int

        /// As it is sent first, such as `POST /done?x=1 HTTP/1.1`.
        public var line: String { "\(method) \(path) HTTP/1.1" }

        /// The bodies of requests with several records: what a JSON array or NDJSON holds in the column, as numbers.
        public func integers(of column: String) throws -> [Int] {
            let text = body.hasPrefix("[") ? body : "[\(body.split(separator: "\n").joined(separator: ","))]"
            let objects = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
            return objects?.compactMap { ($0[column] as? NSNumber)?.intValue } ?? []
        }
    }

    /// What becomes of a request.
    public enum Answer: Sendable {
        /// An answer; its body is plain text unless the headers say something else.
        case status(Int, headers: [String: String] = [:], body: String = "")
        /// None, and the connection stays open.
        case silence
        /// None, and the connection is closed.
        case cut
        /// The beginning of an answer of status 200, and the connection is closed.
        case torn
    }

    private struct State {
        var port: Int
        var listener: (any Channel)?
        var open: [Int: any Channel] = [:]
        var connections = 0
        var requests: [Request] = []
        var awaited: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var underWay = 0
        var mostUnderWay = 0
    }

    private let state: Mutex<State>
    private let tls: NIOSSLContext?
    private let answer: @Sendable (Request) async -> Answer

    /// Starts it.
    ///
    /// - Parameters:
    ///   - port: 0 for one that is free.
    ///   - certificate: nil for plain HTTP.
    ///   - answer: called for each request, several at once.
    public init(
        port: Int = 0,
        certificate: TestCertificate? = nil,
        answer: @escaping @Sendable (Request) async -> Answer = { _ in .status(200) }
    ) async throws {
        state = Mutex(State(port: port))
        self.answer = answer
        tls = try certificate.map { try NIOSSLContext(configuration: try $0.serverConfiguration()) }
        try await start()
    }

    /// Starts one that answers with these statuses in turn, and with the last one from then on.
    public convenience init(answering first: Int, _ others: Int...) async throws {
        let left = Mutex([first] + others)
        try await self.init { _ in .status(left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }) }
    }

    deinit {
        let channels = state.withLock { [$0.listener].compactMap(\.self) + $0.open.values }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Where it listens.
    public var port: Int { state.withLock(\.port) }
    /// All that came so far, in the order of arrival.
    public var requests: [Request] { state.withLock(\.requests) }
    /// How many connections were ever opened.
    public var connections: Int { state.withLock(\.connections) }
    /// How many requests were under way at once at most.
    public var mostUnderWay: Int { state.withLock(\.mostUnderWay) }

    /// Waits until so many requests have come in all.
    public func untilRequests(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests.count >= count { return true }
                state.awaited.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Listens again on its port.
    public func start() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { return }
                    let number = self.opened(channel)
                    if let tls = self.tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Reception(server: self, connection: number))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { state in
            state.listener = listener
            state.port = listener.localAddress?.port ?? 0
        }
    }

    /// Stops listening and cuts all connections.
    public func stop() async throws {
        let (listener, open) = state.withLock { state in
            defer { state.listener = nil }
            return (state.listener, Array(state.open.values))
        }
        try await listener?.close()
        // A client that was quicker is gone already.
        for channel in open { try? await channel.close() }
    }

    private func opened(_ channel: any Channel) -> Int {
        let number = state.withLock { state in
            state.connections += 1
            state.open[state.connections] = channel
            return state.connections
        }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { $0.open[number] = nil }
        }
        return number
    }

    fileprivate func receive(_ request: Request, on channel: any Channel) {
        let reached = state.withLock { state in
            state.requests.append(request)
            state.underWay += 1
            state.mostUnderWay = max(state.mostUnderWay, state.underWay)
            let reached = state.awaited.filter { $0.count <= state.requests.count }
            state.awaited.removeAll { $0.count <= state.requests.count }
            return reached
        }
        for one in reached { one.continuation.resume() }
        Task {
            let answer = await answer(request)
            state.withLock { $0.underWay -= 1 }
            switch answer {
            case .silence: return
            case .cut: channel.close(promise: nil)
            case .torn:
                channel.write(head(200, ["Content-Length": "1000"]), promise: nil)
                let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "{\"id\":")))
                channel.writeAndFlush(part).whenComplete { _ in channel.close(promise: nil) }
            case .status(let status, var headers, let body):
                if status != 204 { headers["Content-Length"] = "\(body.utf8.count)" }
                channel.write(head(status, headers), promise: nil)
                channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }

    private func head(_ status: Int, _ headers: [String: String]) -> HTTPServerResponsePart {
        .head(
            HTTPResponseHead(
                version: .http1_1,
                status: HTTPResponseStatus(statusCode: status),
                headers: HTTPHeaders(headers.map { ($0.key, $0.value) })
            )
        )
    }
}

/// Puts the parts of a connection's requests together.
private final class Reception: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let server: WebServer
    private let connection: Int
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(server: WebServer, connection: Int) {
        self.server = server
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            let headers = head.headers.map { ($0.name.lowercased(), $0.value) }
            let request = WebServer.Request(
                method: head.method.rawValue,
                path: head.uri,
                headers: Dictionary(headers) { "\($0), \($1)" },
                body: String(buffer: body),
                connection: connection
            )
            server.receive(request, on: context.channel)
        }
    }

    /// Clients go away in the middle of things here: that is what the tests are about.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
