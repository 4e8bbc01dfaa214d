import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("An HTTP sink brings every record to its server at least once, whatever the server does")
struct HTTPSinkTests {
    private func spec(
        _ server: WebServer,
        _ more: String = "",
        keys: [String] = ["retry: {maximum-attempts: 50, initial-interval: 20ms, maximum-interval: 200ms}"]
    ) -> SpecFile {
        SpecFile(
            sinks: ["http: {url: \"http://127.0.0.1:\(server.port)/people\"\(more.isEmpty ? "" : ", \(more)")}"],
            more: ["buckets: 4", "batch: 100", "executors: 4"] + keys
        )
    }

    @Test(
        "200, 429, 500, 400, silence, cut connections and restarts at random: all arrive, and each bad one is one dead letter",
        arguments: Engine.each([("array", "5%", Int32(0)), ("record", "0", 1), ("ndjson", "0", 1)], onCluster: 1)
    )
    func chaos(engine: Engine, given: (body: String, tolerate: String, status: Int32)) async throws {
        let (body, tolerate, status) = given
        let seed = UInt64.random(in: 0...UInt64.max)
        print("chaos of \(body) with seed \(seed)")
        let records = body == "record" ? 1_500 : 6_000
        let chaos = Chaos(seed: seed) { $0 % 149 == 0 }
        let server = try await WebServer { await chaos.answer($0) }
        let restarts = Task {
            for requests in stride(from: 40, through: 160, by: 40) {
                await server.untilRequests(requests)
                try await server.stop()
                // How long it is away is the fault itself: nothing says that a client has met a closed port.
                try await Task.sleep(for: .milliseconds(50))
                try await server.start()
            }
        }
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: records)
            var spec = spec(server, "body: \(body), timeout: 1s, concurrency: 8")
            spec.more.append("tolerate: \(tolerate)")
            try place.write(spec)
            let end = try await place.backfill("run", "spec.yaml")
            try await restarts.value

            let bad = (1...records).filter { $0 % 149 == 0 }
            #expect(end.status == .exit(status), "seed \(seed): \(end.all)")
            expectPlainWords(end)
            #expect(chaos.taken == Set(1...records).subtracting(bad), "seed \(seed)")
            let letters = try JSONResult(try await place.backfill("dead-letters", "list", "--json"))
            #expect(letters.elements.compactMap { $0["ordinal"].integer }.sorted() == bad, "seed \(seed)")
            #expect(
                letters.elements.allSatisfy {
                    $0["error"].text?.contains("answered 400 Bad Request: no such person") == true
                }
            )
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["published"].integer == records - bad.count)
            #expect(stats["run"]["dead_lettered"].integer == bad.count)
        }
    }

    @Test(
        "After kills the rest arrives, and what comes again carries the same key",
        arguments: Engine.available,
        [UInt64.random(in: 0...UInt64.max)]
    )
    func killed(engine: Engine, seed: UInt64) async throws {
        print("HTTP sink killed with seed \(seed)")
        var random = SplitMix64(seed: seed)
        let server = try await WebServer()
        try await Workplace.with(on: engine, workers: Workplace.mortal) { place in
            try await place.makeSource(records: 3_000)
            try place.write(spec(server))
            _ = try await place.runThroughKills(longest: 400, using: &random)
            var keys: [Int: Set<String>] = [:]
            for request in server.requests {
                for id in try request.integers(of: "id") {
                    keys[id, default: []].insert(request.headers["idempotency-key"] ?? "")
                }
            }
            #expect(Set(keys.keys) == Set(1...3_000), "seed \(seed)")
            #expect(keys.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
        }
    }

    @Test("Ctrl-C does not wait until the server wants more; resume goes on from there", arguments: Engine.available)
    func interrupted(engine: Engine) async throws {
        let isBusy = Atomic<Bool>(true)
        let server = try await WebServer { _ in
            isBusy.load(ordering: .relaxed) ? .status(429, headers: ["Retry-After": "300"]) : .status(200)
        }
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 300)
            try place.write(spec(server))
            let program = try place.start("run", "spec.yaml")
            await server.untilRequests(1)
            let clock = ContinuousClock.now
            try await place.leave(program)
            #expect(ContinuousClock.now - clock < .seconds(150), "the server wanted 300 s")
            isBusy.store(false, ordering: .relaxed)
            expectComplete(try await place.carryOn(try await place.newestRun(), program).wait())
            #expect(try JSONResult(try await place.backfill("dead-letters", "list", "--json")).elements.isEmpty)
        }
    }

    @Test(
        "A wrong token fails the buckets at once, with what to do, and makes no dead letters; the right one lets resume go on",
        arguments: Engine.available
    )
    func unauthorized(engine: Engine) async throws {
        let server = try await WebServer { $0.headers["authorization"] == "Bearer right" ? .status(200) : .status(401) }
        try await Workplace.with(on: engine) { place in
            try await place.makeSource(records: 400)
            try place.write(spec(server, "headers: {Authorization: \"Bearer ${TOKEN}\"}, concurrency: 1", keys: []))
            let dry = try await place.backfill("run", "spec.yaml", "--dry-run", environment: ["TOKEN": "wr0ng"])
            expectComplete(dry)
            #expect(dry.output.contains("POST http://127.0.0.1:\(server.port)/people, a record a request"))
            #expect(server.requests.isEmpty)

            let end = try await place.backfill(
                "run",
                "spec.yaml",
                "--log-level",
                "debug",
                environment: ["TOKEN": "wr0ng"]
            )
            #expect(end.status == .exit(1), "\(end.all)")
            #expect(end.notes.contains("answered 401 Unauthorized. Check the authorization in the sink's `headers`."))
            #expect(server.requests.count == 4, "once for each bucket")
            let stats = try JSONResult(try await place.backfill("stats", "--json"))
            #expect(stats["run"]["dead_lettered"].integer == 0 && stats["run"]["published"].integer == 0)
            for text in ["wr0ng", "Zoë"] { #expect(!end.all.contains(text)) }

            let run = try await place.newestRun()
            expectComplete(try await place.backfill("resume", run, environment: ["TOKEN": "right"]))
            let ids = try server.requests.dropFirst(4).flatMap { try $0.integers(of: "id") }
            #expect(ids.sorted() == Array(1...400))
            for (name, content) in try place.contents() {
                for text in ["wr0ng", "Bearer right"] { #expect(content.range(of: Data(text.utf8)) == nil, "\(name)") }
            }
        }
    }
}

/// Answers as chance wills, but never takes a bad record.
private final class Chaos: Sendable {
    private struct State {
        var random: SplitMix64
        var taken: Set<Int> = []
    }

    private let state: Mutex<State>
    private let isBad: @Sendable (Int) -> Bool

    init(seed: UInt64, isBad: @escaping @Sendable (Int) -> Bool) {
        state = Mutex(State(random: SplitMix64(seed: seed)))
        self.isBad = isBad
    }

    /// The ids of what was answered with 200.
    var taken: Set<Int> { state.withLock(\.taken) }

    func answer(_ request: WebServer.Request) async -> WebServer.Answer {
        guard let ids = try? request.integers(of: "id"), !ids.isEmpty else { return .status(500) }
        return state.withLock { state in
            switch Int.random(in: 0..<100, using: &state.random) {
            case 0..<4: return .status(500, body: #"{"error":"out of luck"}"#)
            case 4..<6: return .status(503)
            case 6..<9: return .status(429, headers: ["Retry-After": "0"])
            case 9: return .status(503, headers: ["Retry-After": "1"])
            case 10..<13: return .cut
            case 13..<15: return .torn
            case 15..<17: return .silence
            default:
                if ids.contains(where: isBad) { return .status(400, body: #"{"error":"no such person"}"#) }
                state.taken.formUnion(ids)
                return .status(200, body: #"{"ok":true}"#)
            }
        }
    }
}
