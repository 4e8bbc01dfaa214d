import Foundation
import Testing

@testable import BackfillKit

@Suite("A spec is read with everything it says, and completed with defaults")
struct BackfillSpecTests {
    @Test("The smallest spec has the documented defaults")
    func defaults() throws {
        let spec = try SpecText.parse(SpecText.complete(""))
        #expect(spec.file == "/nowhere/spec.yaml")
        #expect(spec.name == "customers")
        #expect(spec.source.place == .sqlite(file: URL(fileURLWithPath: "/nowhere/customers.sqlite")))
        #expect(spec.lanes.isEmpty)
        #expect(spec.buckets == BucketSizing(measure: .records, target: .count(8)))
        #expect(spec.batch == BatchBounds(records: 1_000, byteCount: 4_194_304))
        #expect(spec.executors == 8 && spec.historyLimit == 25_000)
        #expect(spec.tolerate == .none)
        #expect(spec.retry == .standard)
        #expect(spec.queries.map(\.lane) == [nil] && spec.queries[0].parameters.isEmpty)
        #expect(spec.sinks == [.file(FileSinkSpec(file: URL(fileURLWithPath: "/nowhere/out.ndjson"), format: .ndjson))])
    }

    @Test("An HTTP sink that says everything, and one that says as little as it may")
    func http() throws {
        let text = SpecText.complete(
            """
            sinks:
              - http:
                  url: https://crm.example/customers?key=${KEY}
                  method: PATCH
                  headers: {Authorization: "Bearer ${KEY}", X-Plain: written out}
                  body: ndjson
                  concurrency: 1_000
                  timeout: 500ms
                  idempotency-header: X-Request-Id
                  ca: certificates/ca.pem
              - http: {url: "http://me:${KEY}@localhost:8080/"}
            """
        )
        let spec = try SpecText.parse(text, environment: ["KEY": "hunter2"])
        guard case .http(let full) = spec.sinks[0], case .http(let short) = spec.sinks[1] else {
            Issue.record("expected two HTTP sinks, found \(spec.sinks)")
            return
        }
        #expect(full.url.secret == "https://crm.example/customers?key=hunter2")
        #expect(full.url.redacted == "https://crm.example/customers?…")
        #expect(
            (full.method, full.body, full.concurrency, full.timeout) == (.patch, .ndjson, 1_000, .milliseconds(500))
        )
        #expect(full.headers.map(\.name) == ["Authorization", "X-Plain"])
        #expect(full.headers.map(\.value.secret) == ["Bearer hunter2", "written out"])
        #expect(full.headers.map(\.value.redacted) == ["***", "***"])
        #expect(full.idempotencyHeader == "X-Request-Id")
        #expect(full.certificateAuthority == URL(fileURLWithPath: "/nowhere/certificates/ca.pem"))
        #expect((short.method, short.body, short.concurrency, short.timeout) == (.post, .record, 16, .seconds(30)))
        #expect(
            short.headers.isEmpty && short.certificateAuthority == nil && short.idempotencyHeader == "Idempotency-Key"
        )
        #expect(spec.sinks.subscriptionNames == ["http crm.example/customers?…", "http me:${KEY}@localhost:8080/"])
        var described = spec
        described.sourceText = ""
        var dumped = ""
        dump(described, to: &dumped)
        for shown in [String(describing: described), String(reflecting: described), dumped] {
            #expect(!shown.contains("hunter2") && !shown.contains("written out"), "\(shown)")
        }
    }

    @Test("HTTP sinks whose URLs differ only in what may not be shown have different names")
    func httpNames() throws {
        let sinks = ["\"http://h/p?a\"", "\"http://h/p?b\"", "\"http://h/p\", method: PUT", "\"http://h/p\""]
        let lines = sinks.map { "  - http: {url: \($0)}" }.joined(separator: "\n")
        let spec = try SpecText.parse(SpecText.complete("sinks:\n\(lines)"))
        #expect(
            spec.sinks.subscriptionNames == [
                "http h/p?… in POST http://h/p?…", "http h/p?… in POST http://h/p?… (2)",
                "http h/p in PUT http://h/p", "http h/p in POST http://h/p",
            ]
        )
    }

    @Test("A spec that says everything")
    func everything() throws {
        let text = """
            name: customer-config
            source: sqlite:../data/customers.sqlite
            queries:
              - name: marketing
                sql: |
                  SELECT id FROM customers
                  WHERE since >= :since
                key: id
                lane: light
                parameters: {since: "2015-01-01", least: 3, share: 0.5, none: ~, code: 007, big: 99999999999999999999, empty: ""}
              - {name: rest, sql: SELECT 2 AS id, key: id, lane: heavy}
            lanes: {light: 8, heavy: 1}
            buckets: {size: 64 MiB}
            batch: {records: 25_000, bytes: 512KiB}
            executors: 12
            history-limit: 5000
            tolerate: 0.1%
            retry:
              maximum-attempts: 5
              initial-interval: 500ms
              maximum-interval: 5m
              backoff-coefficient: 1.5
              rules:
                - {error: SinkError, cause: "disk (is )?full", action: retry, maximum-attempts: 100}
                - {cause: denied, action: never}
            sinks:
              - table: {database: sqlite:/data/target.sqlite, name: customer_config, mode: upsert, create: true, key: id, unless-newer: updated_at}
              - file: {path: out/marketing.csv}
              - file: {path: out/marketing.txt, format: ndjson}
            """
        let spec = try SpecText.parse(text)
        #expect(spec.sourceText == text)
        #expect(spec.source.place == .sqlite(file: URL(fileURLWithPath: "/data/customers.sqlite")))
        #expect(
            spec.queries[0].sql
                == SQLText(text: "SELECT id FROM customers\nWHERE since >= :since\n", origin: "/nowhere/spec.yaml:5:10")
        )
        #expect(
            spec.queries[0].parameters == [
                "since": .text(SecretText(secret: "2015-01-01", redacted: "2015-01-01")), "least": .integer(3),
                "share": .real(0.5),
                "none": .null, "code": .text(SecretText(secret: "007", redacted: "007")),
                "big": .text(SecretText(secret: "99999999999999999999", redacted: "99999999999999999999")),
                "empty": .text(SecretText(secret: "", redacted: "")),
            ]
        )
        #expect(
            spec.queries.map(\.lane) == ["light", "heavy"]
                && spec.lanes == ["light": LaneSpec(queries: 8), "heavy": LaneSpec(queries: 1)]
        )
        #expect(spec.buckets == BucketSizing(measure: .bytes, target: .size(67_108_864)))
        #expect(spec.batch == BatchBounds(records: 25_000, byteCount: 524_288))
        #expect(spec.executors == 12 && spec.historyLimit == 5_000 && spec.tolerate.description == "0.1%")
        let overrides = RetrySpecOverrides(maximumAttempts: 100)
        #expect(
            spec.retry
                == RetrySpec(
                    maximumAttempts: 5,
                    initialInterval: .milliseconds(500),
                    maximumInterval: .seconds(300),
                    backoffCoefficient: 1.5,
                    jitter: 0.2,
                    rules: [
                        RetrySpecRule(
                            errorType: "SinkError",
                            causePattern: "disk (is )?full",
                            action: .retry(overrides)
                        ),
                        RetrySpecRule(errorType: nil, causePattern: "denied", action: .never),
                    ]
                )
        )
        guard case .table(let table) = spec.sinks[0] else {
            Issue.record("expected a table, found \(spec.sinks[0])")
            return
        }
        #expect(table.database.place == .sqlite(file: URL(fileURLWithPath: "/data/target.sqlite")))
        #expect((table.name, table.mode, table.createsTable) == ("customer_config", .upsert, true))
        #expect(table.key == "id" && table.unlessNewer == "updated_at")
        #expect(
            spec.sinks.dropFirst() == [
                .file(FileSinkSpec(file: URL(fileURLWithPath: "/nowhere/out/marketing.csv"), format: .csv)),
                .file(FileSinkSpec(file: URL(fileURLWithPath: "/nowhere/out/marketing.txt"), format: .ndjson)),
            ]
        )
    }

    @Test(
        "Every form of buckets",
        arguments: [
            ("12", .records, .count(12)), ("{count: 12}", .records, .count(12)),
            ("{count: 12, by: bytes}", .bytes, .count(12)),
            ("{size: 100000}", .records, .size(100_000)), ("{size: 5000, by: bytes}", .bytes, .size(5_000)),
            ("{size: 1 KiB}", .bytes, .size(1_024)), ("\"${N}\"", .records, .count(40)),
        ] as [(String, BucketSizing.Measure, BucketTarget)]
    )
    func buckets(text: String, measure: BucketSizing.Measure, target: BucketTarget) throws {
        let spec = try SpecText.parse(SpecText.complete("buckets: \(text)"), environment: ["N": "40"])
        #expect(spec.buckets == BucketSizing(measure: measure, target: target))
    }

    @Test("A batch given in part keeps the other default")
    func partOfBatch() throws {
        #expect(
            try SpecText.parse(SpecText.complete("batch: 50")).batch == BatchBounds(records: 50, byteCount: 4_194_304)
        )
        #expect(
            try SpecText.parse(SpecText.complete("batch: {bytes: 9}")).batch
                == BatchBounds(records: 1_000, byteCount: 9)
        )
    }

    @Test("No sinks at all must be said")
    func noSinks() throws {
        #expect(try SpecText.parse(SpecText.complete("sinks: []")).sinks.isEmpty)
    }

    @Test("The digest tells specs and SQL apart, and is the same for the same")
    func digest() throws {
        let one = try SpecText.parse(SpecText.complete("executors: 8"))
        #expect(one.digest == (try SpecText.parse(SpecText.complete("executors: 8")).digest))
        #expect(one.digest.utf8.count == 16)
        #expect(one.digest != (try SpecText.parse(SpecText.complete("executors: 9")).digest))
        var other = one
        other.queries[0].sql.text += " "
        #expect(one.digest != other.digest)
    }
}
