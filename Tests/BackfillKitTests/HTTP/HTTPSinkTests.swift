import Foundation
import PubSub
import SQLConnectors
import Synchronization
import TestSupport
import Testing

@testable import BackfillKit

@Suite("Every record reaches the server at least once, and only a refused one becomes a dead letter")
struct HTTPSinkTests {
    /// Positions and texts of refused records.
    private func write(_ messages: RecordMessages, to sink: HTTPSink) async throws -> [String] {
        switch try await sink.write(messages) {
        case .acknowledged: return []
        case .failed(let failures): return failures.map { "\($0.position) \($0.isPermanent) \($0.error)" }
        case .rejected(let position, _): return ["rejected at \(position)"]
        }
    }

    private func expectTaken(
        _ messages: RecordMessages,
        by sink: HTTPSink,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let refusals = try await write(messages, to: sink)
        #expect(refusals == [], sourceLocation: sourceLocation)
    }

    @Test("One request a record, with its body, its correlation id, the run's names and the spec's headers")
    func record() async throws {
        let server = try await WebServer()
        try await HTTPSample.withSink(to: server) {
            $0.headers = [.init(name: "X-Token", value: SecretText(secret: "t0ken", redacted: "***"))]
        } _: { sink in
            try await expectTaken(HTTPSample.messages(1...1), by: sink)
        }
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1)
        #expect(request.method == "POST" && request.path == "/customers?token=s3cret")
        #expect(request.body == #"{"id":1,"name":"Zoë 1"}"#)
        let headers = request.headers
        #expect(headers["content-type"] == "application/json" && headers["x-token"] == "t0ken")
        #expect(headers["idempotency-key"] == "etl-01query-01execution-1")
        #expect(headers["backfill-run"] == "customers-01run" && headers["backfill-query"] == "all")
        #expect(headers["content-length"] == "\(request.body.utf8.count)" && headers["transfer-encoding"] == nil)
    }

    @Test(
        "One request a batch; its key names the first and the last record",
        arguments: [
            (HTTPSinkSpec.Body.array, #"[{"id":7,"name":"Zoë 7"},{"id":8,"name":"Zoë 8"}]"#, "application/json"),
            (.ndjson, "{\"id\":7,\"name\":\"Zoë 7\"}\n{\"id\":8,\"name\":\"Zoë 8\"}\n", "application/x-ndjson"),
        ]
    )
    func batch(body: HTTPSinkSpec.Body, sent: String, type: String) async throws {
        let server = try await WebServer { _ in .status(204) }
        try await HTTPSample.withSink(to: server) {
            $0.body = body
            $0.method = .put
        } _: { sink in
            try await expectTaken(HTTPSample.messages(7...8), by: sink)
        }
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1 && request.method == "PUT")
        #expect(request.body == sent)
        #expect(request.headers["content-type"] == type)
        #expect(request.headers["idempotency-key"] == "etl-01query-01execution-7..8")
    }

    @Test("A user in the URL and a Content-Type in the headers do as one expects")
    func overriding() async throws {
        let server = try await WebServer()
        try await HTTPSample.withSink(to: server) {
            $0.url.secret = "http://me:pass@127.0.0.1:\(server.port)/"
            $0.headers = [.init(name: "content-type", value: SecretText(secret: "text/x", redacted: "***"))]
        } _: { sink in
            _ = try await sink.write(HTTPSample.messages(1...1))
        }
        #expect(server.requests.first?.headers["authorization"] == "Basic bWU6cGFzcw==")
        #expect(server.requests.first?.headers["content-type"] == "text/x")
    }

    @Test("Connections are used again, and there are never more requests under way than the spec allows")
    func concurrency() async throws {
        let server = try await WebServer()
        try await HTTPSample.withSink(to: server) {
            $0.concurrency = 3
        } _: { sink in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for bucket in 1...4 {
                    group.addTask {
                        let first = bucket * 1_000
                        for batch in 0..<2 {
                            let ids = first + batch * 50...first + batch * 50 + 49
                            try await expectTaken(HTTPSample.messages(ids, bucket: bucket), by: sink)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(server.requests.count == 400)
        #expect(Set(server.requests.map(\.body)).count == 400)
        #expect(server.mostUnderWay <= 3)
        #expect(server.connections <= 3)
    }

    @Test("A batch of many is sent side by side")
    func sideBySide() async throws {
        let arrived = Shared(0)
        // Answers nobody before four have come.
        let server = try await WebServer { _ in
            arrived.withLock { $0 += 1 }
            while arrived.withLock({ $0 }) < 4 { await Task.yield() }
            return .status(200)
        }
        try await HTTPSample.withSink(to: server) { sink in
            try await expectTaken(HTTPSample.messages(1...4), by: sink)
        }
        #expect(server.mostUnderWay == 4)
    }

    @Test("A refused record is named with what the server says; the others arrive once, and it is not tried again")
    func refused() async throws {
        let server = try await WebServer { request in
            request.body.contains(#""id":2,"#) ? .status(422, body: #"{"error":"too\nyoung"}"#) : .status(200)
        }
        try await HTTPSample.withSink(to: server) { sink in
            let refusals = try await write(HTTPSample.messages(1...5), to: sink)
            #expect(
                refusals == [
                    "1 true record 2 (ordinal 2) was refused: POST http://server/path answered 422 Unprocessable Entity: too young"
                ]
            )
        }
        #expect(server.requests.count == 5)
    }

    @Test("Of a refused batch exactly the bad records are named", arguments: [HTTPSinkSpec.Body.array, .ndjson])
    func split(body: HTTPSinkSpec.Body) async throws {
        let bad: Set = [1, 37, 38, 100]
        let server = try await WebServer { request in
            let ids = try? request.integers(of: "id")
            return ids.map { bad.isDisjoint(with: $0) } == true ? .status(200) : .status(400)
        }
        try await HTTPSample.withSink(to: server) {
            $0.body = body
        } _: { sink in
            let outcome = try await sink.write(HTTPSample.messages(1...100))
            guard case .failed(let failures) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(Set(failures.map { $0.position + 1 }) == bad)
            #expect(failures.allSatisfy { $0.isPermanent && $0.error is RecordRejected })
        }
        let taken = try server.requests.map { try $0.integers(of: "id") }.filter(bad.isDisjoint).flatMap(\.self)
        #expect(taken.sorted() == (1...100).filter { !bad.contains($0) })
        #expect(server.requests.count < 70)
        #expect(Set(server.requests.compactMap { $0.headers["idempotency-key"] }).count == server.requests.count)
    }

    @Test("A record that JSON has no form for is refused without a request")
    func unwritable() async throws {
        let server = try await WebServer()
        let records = Sample.batch(
            Sample.schema("id", "score"),
            [[.integer(1), .real(.infinity)], [.integer(2), .real(1)]]
        )
        try await HTTPSample.withSink(to: server) {
            $0.body = .array
        } _: { sink in
            let refusals = try await write(HTTPSample.messages(records), to: sink)
            #expect(refusals.count == 1 && refusals.first?.contains("column score holds inf") == true)
        }
        #expect(server.requests.map(\.body) == [#"[{"id":2,"score":1.0}]"#])
    }

    @Test(
        "A busy server is left alone for as long as it asks, by all requests, and at most five minutes; no record is to blame"
    )
    func busy() async throws {
        let answers = Shared<[WebServer.Answer]>([
            .status(429, headers: ["Retry-After": "120"]), .status(503, headers: ["Retry-After": "86400"]),
            .status(
                429,
                headers: [
                    "Date": "Sun, 06 Nov 1994 08:49:30 GMT", "Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT",
                ]
            ),
            .status(429), .status(429, headers: ["Retry-After": "0"]),
        ])
        let server = try await WebServer { _ in
            answers.withLock { $0.isEmpty ? .status(200) : $0.removeFirst() }
        }
        let time = SkippingTime()
        try await HTTPSample.withSink(to: server, { $0.concurrency = 1 }, time: time.sinkTime) { sink in
            try await expectTaken(HTTPSample.messages(1...3), by: sink)
        }
        #expect(server.requests.count == 8)
        #expect(Array(time.sleeps.prefix(3)) == [.seconds(120), .seconds(300), .seconds(7)])
        #expect(time.sleeps.count == 5 && time.sleeps[3] > .zero && time.sleeps[4] > .zero)
    }

    @Test("A server that is busy for too long gives the batch back; nothing is sent in vain meanwhile")
    func busyForLong() async throws {
        let server = try await WebServer { _ in .status(429, headers: ["Retry-After": "100"]) }
        let time = SkippingTime()
        try await HTTPSample.withSink(to: server, { $0.concurrency = 1 }, time: time.sinkTime) { sink in
            let error = await #expect(throws: TargetUnavailable.self) {
                try await sink.write(HTTPSample.messages(1...1))
            }
            #expect(error?.description.contains("answered 429 Too Many Requests, again and again") == true)
        }
        #expect(time.sleeps.count == 6 && server.requests.count == 7)
    }

    @Test(
        "A server that fails is tried again by itself",
        arguments: [
            [WebServer.Answer.status(500)], [.status(503), .status(502), .status(504)], [.status(408), .status(425)],
            [.cut], [.torn, .cut, .torn], [.status(599)],
        ]
    )
    func failing(first: [WebServer.Answer]) async throws {
        let answers = Shared(first)
        let server = try await WebServer { _ in
            answers.withLock { $0.isEmpty ? .status(200) : $0.removeFirst() }
        }
        let time = SkippingTime()
        try await HTTPSample.withSink(to: server, { $0.concurrency = 1 }, time: time.sinkTime) { sink in
            try await expectTaken(HTTPSample.messages(1...2), by: sink)
        }
        #expect(server.requests.count == 2 + first.count)
        #expect(Set(server.requests.compactMap { $0.headers["idempotency-key"] }).count == 2)
        #expect(time.sleeps.count == first.count && time.sleeps.allSatisfy { $0 > .zero && $0 <= .seconds(10) })
    }

    @Test(
        "A server that fails again and again makes the sink unavailable; when the batch comes again, only the rest is sent"
    )
    func comesAgain() async throws {
        let isMended = Shared(false)
        let server = try await WebServer { request in
            switch request.body {
            case let body where body.contains(#""id":4,"#): .status(400)
            case let body where body.contains(#""id":7,"#) && !isMended.withLock({ $0 }):
                .status(500, body: #"{"error":"Zoë"}"#)
            default: .status(200)
            }
        }
        try await HTTPSample.withSink(to: server) { sink in
            let messages = HTTPSample.messages(1...10)
            let error = await #expect(throws: TargetUnavailable.self) { try await sink.write(messages) }
            #expect(
                error?.description
                    == "POST http://server/path: answered 500 Internal Server Error, 4 times in a row. Check the server."
            )
            let before = server.requests.count
            isMended.withLock { $0 = true }
            let refusals = try await write(messages, to: sink)
            #expect(refusals.count == 1 && refusals.first?.hasPrefix("3 true record 4") == true)
            let sent = server.requests.map(\.body)
            #expect(Set(sent).count == 10)
            #expect(
                Set(sent.prefix(before)).isDisjoint(with: sent.dropFirst(before).filter { !$0.contains(#""id":7,"#) })
            )

            // Another part of the same bucket, overlapping; and the same ordinals of another bucket.
            let count = server.requests.count
            _ = try await sink.write(HTTPSample.messages(9...12))
            #expect(server.requests.count == count + 2)
            _ = try await sink.write(HTTPSample.messages(9...12, bucket: 2))
            #expect(server.requests.count == count + 6)
        }
    }

    @Test("A server that does not answer in time makes the sink unavailable, and nothing is left hanging")
    func silence() async throws {
        let server = try await WebServer { _ in .silence }
        try await HTTPSample.withSink(to: server) {
            // Long enough for a connection on a busy machine: it is the answer that does not come.
            $0.timeout = .seconds(1)
        } _: { sink in
            let error = await #expect(throws: TargetUnavailable.self) {
                try await sink.write(HTTPSample.messages(1...1))
            }
            #expect(error?.description.contains("no answer within 1.0 seconds, 4 times in a row") == true)
        }
        // On a busy machine the time may be over before a request has got there.
        #expect(server.requests.count <= 4)
    }

    @Test("A server that is gone makes the sink unavailable; one that is back on its port is reached again")
    func gone() async throws {
        let server = try await WebServer()
        try await HTTPSample.withSink(to: server) { sink in
            _ = try await sink.write(HTTPSample.messages(1...8))
            try await server.stop()
            let error = await #expect(throws: TargetUnavailable.self) {
                try await sink.write(HTTPSample.messages(9...12))
            }
            #expect(
                error?.description.contains("no connection (Connection refused)") == true,
                "\(String(describing: error))"
            )
            try await server.start()
            try await expectTaken(HTTPSample.messages(9...12), by: sink)
        }
        #expect(Set(server.requests.map(\.body)).count == 12)
    }

    @Test("A host that nobody knows makes the sink unavailable, and its name is not shown")
    func unknownHost() async throws {
        let spec = HTTPSample.spec("http://no-such-host.invalid/")
        let sink = try HTTPSink(spec, name: "http", logger: nil, time: SkippingTime().sinkTime)
        let error = await #expect(throws: TargetUnavailable.self) { try await sink.write(HTTPSample.messages(1...1)) }
        let text = try #require(error?.description)
        // Without a network, some machines' name service only gives up when its time is over.
        let causes = ["the host is not known", "no connection in time"]
        #expect(causes.contains { text.contains("POST http://server/path: \($0), 4 times in a row") }, "\(text)")
        await sink.close()
    }

    @Test(
        "What no record is to blame for and no repetition mends is said once, with what to do",
        arguments: [
            (301, "Redirects are not followed"), (307, "Redirects are not followed"), (401, "Check the authorization"),
            (405, "`url` and `method`"), (415, "Check the sink's `body`"),
        ]
    )
    func misdirected(status: Int, advice: String) async throws {
        let server = try await WebServer { _ in .status(status, headers: ["Location": "http://127.0.0.1:1/"]) }
        try await HTTPSample.withSink(to: server) {
            $0.body = .array
        } _: { sink in
            let error = await #expect(throws: SinkError.self) { try await sink.write(HTTPSample.messages(1...9)) }
            #expect(error?.description.contains(advice) == true)
            #expect(error?.description.hasPrefix("POST http://server/path: answered \(status)") == true)
        }
        #expect(server.requests.count == 1)
    }

    @Test("Neither the record nor a header, the URL's token or the server's words get into an error about the server")
    func secrets() async throws {
        let server = try await WebServer { request in
            .status(500, body: #"{"error":"cannot take \#(request.headers["x-token"] ?? "")"}"#)
        }
        try await HTTPSample.withSink(to: server) {
            $0.headers = [.init(name: "X-Token", value: SecretText(secret: "t0ken", redacted: "***"))]
        } _: { sink in
            let error = await #expect(throws: TargetUnavailable.self) {
                try await sink.write(HTTPSample.messages(1...1))
            }
            let text = String(reflecting: error)
            for secret in ["t0ken", "s3cret", "Zoë", "127.0.0.1"] { #expect(!text.contains(secret), "\(text)") }
        }
    }

    @Test("A cancelled write ends at once, also while the server wants to be left alone, or does not answer")
    func cancelled() async throws {
        let (time, sleeping, continuation) = SinkTime.endless()
        for answer in [WebServer.Answer.status(429, headers: ["Retry-After": "300"]), .status(500), .silence] {
            let server = try await WebServer { _ in
                if case .silence = answer { continuation.yield() }
                return answer
            }
            try await HTTPSample.withSink(to: server, { $0.concurrency = 2 }, time: time) { sink in
                let writing = Task { try await sink.write(HTTPSample.messages(1...50)) }
                for await _ in sleeping { break }
                writing.cancel()
                await #expect(throws: CancellationError.self) { try await writing.value }
            }
        }
    }

    @Test("A topic keeps the bad ones as dead letters after one attempt, and acks the rest")
    func topic() async throws {
        let server = try await WebServer { request in
            request.body.contains(#""id":3,"#) || request.body.contains(#""id":9,"#) ? .status(400) : .status(200)
        }
        try await HTTPSample.withSink(to: server) { sink in
            let topic = Topic<RecordMessages>(name: "t")
            let letters = LetterBox()
            try topic.subscribe("http", subscriber: SinkSubscription(sink: sink), deadLetters: letters)
            let receipt = try await topic.publish(HTTPSample.messages(1...10), orderingKey: "k")
            #expect(receipt.subscriptions["http"] == SubscriptionReceipt(acked: 8, deadLettered: 2))
            #expect(letters.ordinals == [3, 9])
        }
        #expect(server.requests.count == 10)
    }

    @Test("A publish that no repetition mends says so to the workflow, and one that may succeed does not")
    func retrying() async throws {
        for (status, isFinal) in [(401, true), (500, false)] {
            let server = try await WebServer { _ in .status(status) }
            try await HTTPSample.withSink(to: server) { sink in
                let topic = Topic<RecordMessages>(name: "t")
                let options = SubscriptionOptions(maximumUnavailableAttempts: 1)
                let letters = LetterBox()
                try topic.subscribe(
                    "http",
                    options: options,
                    subscriber: SinkSubscription(sink: sink),
                    deadLetters: letters
                )
                let failure = await #expect(throws: PublishFailure.self) {
                    try await topic.publish(HTTPSample.messages(1...3), orderingKey: "k")
                }
                #expect(failure?.isNonRetryable == isFinal)
                #expect(letters.ordinals.isEmpty)
            }
        }
    }
}

private final class LetterBox: DeadLetterHandler {
    private let kept = Mutex<[Int64]>([])
    var ordinals: [Int64] { kept.withLock(\.self) }

    func handle(_ letter: DeadLetter<RecordMessages>) async throws {
        kept.withLock { $0.append(letter.message.records.firstOrdinal) }
    }
}
