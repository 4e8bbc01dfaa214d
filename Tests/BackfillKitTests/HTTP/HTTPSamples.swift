import Foundation
import SQLConnectors
import Synchronization
import TestSupport

@testable import BackfillKit

/// Time that passes only while somebody sleeps, and then at once.
final class SkippingTime: Sendable {
    private struct State {
        var now = Duration.zero
        var sleeps: [Duration] = []
    }

    private let state = Mutex(State())

    /// What was slept, in order.
    var sleeps: [Duration] { state.withLock(\.sleeps) }

    var sinkTime: SinkTime {
        SinkTime(
            now: { self.state.withLock(\.now) },
            sleep: { duration in
                try Task.checkCancellation()
                self.state.withLock { state in
                    state.now += duration
                    state.sleeps.append(duration)
                }
            }
        )
    }
}

/// A value that several tasks share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
        value.withLock { body(&$0) }
    }
}

/// Sinks and messages for tests.
enum HTTPSample {
    static func spec(
        _ url: String,
        method: HTTPSinkSpec.Method = .post,
        headers: [String: String] = [:],
        body: HTTPSinkSpec.Body = .record,
        concurrency: Int = 4,
        timeout: Duration = .seconds(600),
        authority: URL? = nil
    ) -> HTTPSinkSpec {
        HTTPSinkSpec(
            url: SecretText(secret: url, redacted: "http://server/path"),
            method: method,
            headers: headers.map {
                HTTPSinkSpec.Header(name: $0.key, value: SecretText(secret: $0.value, redacted: "***"))
            },
            body: body,
            concurrency: concurrency,
            timeout: timeout,
            idempotencyHeader: "Idempotency-Key",
            certificateAuthority: authority
        )
    }

    /// Calls with a sink to a server, and closes it.
    static func withSink(
        to server: WebServer,
        _ change: (inout HTTPSinkSpec) -> Void = { _ in },
        time: SinkTime = SkippingTime().sinkTime,
        _ body: (HTTPSink) async throws -> Void
    ) async throws {
        var spec = spec("http://127.0.0.1:\(server.port)/customers?token=s3cret")
        change(&spec)
        let sink = try HTTPSink(spec, name: "http server/path", logger: nil, time: time)
        do {
            try await body(sink)
            await sink.close()
        } catch {
            await sink.close()
            throw error
        }
    }

    /// Records whose ids are their ordinals.
    static func messages(_ ids: ClosedRange<Int>, bucket: Int = 1) -> RecordMessages {
        messages(
            Sample.batch(
                Sample.schema("id", "name"),
                from: Int64(ids.lowerBound),
                ids.map { [.integer(Int64($0)), .text("Zoë \($0)")] }
            ),
            bucket: bucket
        )
    }

    static func messages(_ records: RecordBatch, bucket: Int = 1) -> RecordMessages {
        RecordMessages(
            records: records,
            runID: RunID(rawValue: "customers-01run"),
            queryID: QueryID(rawValue: "01query"),
            query: "all",
            bucket: bucket,
            executionID: "01execution"
        )
    }
}

extension SinkTime {
    /// A time in which no sleep ends but by cancellation; each one is told of as it begins, and a test may tell
    /// of more.
    static func endless() -> (time: SinkTime, sleeping: AsyncStream<Void>, tell: AsyncStream<Void>.Continuation) {
        let (sleeping, continuation) = AsyncStream.makeStream(of: Void.self)
        let time = SinkTime(
            now: { .zero },
            sleep: { _ in
                continuation.yield()
                // Longer than any test: whoever is not cancelled makes it fail by its time limit.
                try await Task.sleep(for: .seconds(3_600))
            }
        )
        return (time, sleeping, continuation)
    }
}
