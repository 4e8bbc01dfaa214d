import Foundation
import Logging
import NIOSSL
import PubSub
import SQLConnectors
import Synchronization

/// A server as a sink: each record arrives at least once, in a request of its own or in one for its batch.
struct HTTPSink: Sink {
    let name: String
    private let spec: HTTPSinkSpec
    private let address: HTTPAddress
    private let transport: HTTPTransport
    private let gate: RequestGate
    private let time: SinkTime
    private let answers = AnswerBook()
    private let logger: Logger?
    private let whenBusy: @Sendable (Duration) -> Void

    /// Attempts of one request before its batch is given back, to be tried again as the spec's `retry` says.
    private static let attempts = 4
    /// About five seconds between the first attempt and the last: what a server or a balancer needs to get over a hiccup.
    private static let backoff = Backoff(
        initial: .milliseconds(250),
        coefficient: 4,
        maximum: .seconds(10),
        jitter: 0.5
    )
    /// Between requests to a server that is busy and does not say for how long.
    private static let quietBackoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 0.2)
    /// However short a wait a server asks for: again and again at once would be an attack.
    static let shortestWait = Duration.milliseconds(100)
    /// However long a server asks for, it is asked again after this.
    static let longestWait = Duration.seconds(300)
    /// A batch whose server is busy for longer is given back, so that it shows in `stats` and within its activity's time limit.
    static let patience = Duration.seconds(600)

    /// - Parameter whenBusy: told how long the server asks to be left alone.
    /// - Throws: `SinkError` when the URL is none.
    init(
        _ spec: HTTPSinkSpec,
        name: String,
        logger: Logger?,
        time: SinkTime = .real,
        whenBusy: @escaping @Sendable (Duration) -> Void = { _ in }
    ) throws {
        guard let address = HTTPAddress(spec.url) else {
            throw SinkError("\(spec.url) is no URL. Write http://host/path or https://host/path.")
        }
        self.name = name
        self.spec = spec
        self.address = address
        self.time = time
        self.logger = logger
        self.whenBusy = whenBusy
        transport = HTTPTransport(
            timeout: spec.timeout,
            connections: spec.concurrency,
            authority: spec.certificateAuthority
        )
        gate = RequestGate(limit: spec.concurrency, time: time)
    }

    /// Every schema can be written as JSON, and a server that is asked without a record may answer anything; so only what lies here is looked
    /// at.
    func check(_ schema: RecordSchema) async throws {
        guard let authority = spec.certificateAuthority else { return }
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(authority.path), !certificates.isEmpty else {
            throw SinkError(
                "\(authority.path) cannot be read as certificates. Name a PEM file in the `ca` of the sink \(name)."
            )
        }
    }

    func prepare(_ schema: RecordSchema) async throws { try await check(schema) }

    /// What the server has answered for is not sent again when the batch comes again because of the rest.
    func write(_ messages: RecordMessages) async throws -> DeliveryOutcome {
        let records = messages.records
        let answered = answers.records(records.firstOrdinal..<records.endOrdinal, ofBucket: messages.bucketKey)
        let batch = Batch(messages: messages, body: RequestBody(records, as: spec.body), answered: answered)
        for record in batch.body.unwritable { answered.refuse(record.position, record.rejection) }
        switch spec.body {
        case .record: try await sendEach(answered.open.flatMap(\.self), of: batch)
        case .array, .ndjson: for run in answered.open { try await send(run, of: batch) }
        }
        let refusals = answered.takeRefusals()
        guard !refusals.isEmpty else { return .acknowledged }
        return .failed(
            refusals.map { MessageFailure(position: $0.position, error: $0.rejection, isPermanent: true) }
        )
    }

    /// Every answer was an end by itself.
    func finish() async throws {}

    func close() async { await transport.close() }
}

extension HTTPSink {
    private struct Batch: Sendable {
        var messages: RecordMessages
        var body: RequestBody
        var answered: AnsweredRecords
    }

    /// Sends records side by side, each in a request of its own. After a failure those under way are waited for, since they may well arrive,
    /// and no others are begun.
    private func sendEach(_ positions: [Int], of batch: Batch) async throws {
        let remaining = Remaining(positions)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<min(spec.concurrency, positions.count) {
                group.addTask {
                    while let position = remaining.next() {
                        do {
                            try await send(position..<position + 1, of: batch)
                        } catch {
                            remaining.drop()
                            throw error
                        }
                    }
                }
            }
            var failure: (any Error)?
            while let result = await group.nextResult() {
                if case .failure(let error) = result { failure = failure ?? error }
            }
            if let failure { throw failure }
        }
    }

    /// Sends records in one request, until the server has answered for each of them. A batch that it refuses is halved until the bad record
    /// stands alone.
    private func send(_ range: Range<Int>, of batch: Batch) async throws {
        var failures = 0
        var busy = 0
        var busySince: Duration?
        while true {
            let (verdict, said) = try await exchange(range, of: batch)
            switch verdict {
            case .taken:
                batch.answered.take(range)
                return
            case .refused:
                guard range.count == 1 else {
                    let middle = range.lowerBound + range.count / 2
                    try await send(range.lowerBound..<middle, of: batch)
                    try await send(middle..<range.upperBound, of: batch)
                    return
                }
                let records = batch.messages.records
                let rejection = RecordRejected(
                    recordID: records.key(at: range.lowerBound),
                    ordinal: records.firstOrdinal + Int64(range.lowerBound),
                    cause: "\(label) \(said)"
                )
                batch.answered.refuse(range.lowerBound, rejection)
                return
            case .busy(let asked):
                busy += 1
                let since = busySince ?? time.now()
                busySince = since
                let wanted = asked ?? Self.quietBackoff.wait(afterFailures: busy, chance: .random(in: 0...1))
                let wait = min(max(wanted, Self.shortestWait), Self.longestWait)
                if gate.close(for: wait) {
                    whenBusy(wait)
                    logger?.warning(
                        "the server is busy: the sink waits",
                        metadata: ["sink": "\(name)", "answer": "\(said)", "wait": "\(wait)"]
                    )
                }
                if time.now() + wait - since > Self.patience {
                    throw TargetUnavailable(
                        "\(label) \(said), again and again for \(Self.patience). Lower the sink's `concurrency`, or `resume` later."
                    )
                }
            case .failed:
                failures += 1
                guard failures < Self.attempts else {
                    throw TargetUnavailable("\(label): \(said), \(failures) times in a row. Check the server.")
                }
                try await time.sleep(Self.backoff.wait(afterFailures: failures, chance: .random(in: 0...1)))
            case .misdirected(let advice):
                throw SinkError("\(label): \(said). \(advice)")
            }
        }
    }
}

extension HTTPSink {
    /// Method and URL, for errors.
    private var label: String { "\(spec.method.rawValue) \(spec.url)" }

    /// Sends one request, when the gate lets it.
    ///
    /// - Returns: the verdict, and what happened, as part of a sentence. The server's own words are part of it only where a record is refused:
    ///   they may repeat what was sent, and go where the record itself lies, to its dead letter.
    private func exchange(_ range: Range<Int>, of batch: Batch) async throws -> (verdict: HTTPVerdict, said: String) {
        try await gate.enter()
        defer { gate.leave() }
        do {
            let answer = try await transport.send(request(range, of: batch))
            let verdict = HTTPVerdict(status: answer.status, retryAfter: answer.retryAfter)
            let words = verdict == .refused ? answer.words.map { ": \($0)" } : nil
            return (verdict, "answered \(answer.statusLine)\(words ?? "")")
        } catch let fault as HTTPFault {
            if fault.isMistrust {
                throw SinkError(
                    "\(label): \(fault). Check the sink's `url`, or name the server's authority in its `ca`."
                )
            }
            return (.failed, "\(fault)")
        }
    }

    private func request(_ range: Range<Int>, of batch: Batch) -> HTTPTransport.Request {
        let messages = batch.messages
        var headers = spec.headers.map { (name: $0.name, value: $0.value.secret) }
        if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(("Content-Type", spec.body.contentType))
        }
        headers.append((spec.idempotencyHeader, messages.idempotencyKey(of: range)))
        headers.append(("Backfill-Run", messages.runID.rawValue))
        headers.append(("Backfill-Query", messages.query))
        return HTTPTransport.Request(
            address: address,
            method: spec.method.rawValue,
            headers: headers,
            body: batch.body.bytes(of: range)
        )
    }
}

/// Positions that several tasks share out among themselves, in order.
private final class Remaining: Sendable {
    private let positions: Mutex<ArraySlice<Int>>

    init(_ positions: [Int]) { self.positions = Mutex(positions[...]) }

    func next() -> Int? { positions.withLock { $0.popFirst() } }

    func drop() { positions.withLock { $0 = [] } }
}

extension RecordMessages {
    /// The correlation id of a single record; for several that of the first one, `..` and the last one's record id: the same for the same
    /// records of the same execution.
    func idempotencyKey(of range: Range<Int>) -> String {
        let first = correlationID(at: range.lowerBound)
        guard range.count > 1 else { return "\(first)" }
        return "\(first)..\(correlationID(at: range.upperBound - 1).writtenRecordID)"
    }
}
