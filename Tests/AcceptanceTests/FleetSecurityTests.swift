import Foundation
import TestSupport
import Testing

@Suite(
    "A cluster behind TLS is used by who trusts it and whom it trusts",
    .enabled(if: TestTemporal.isThere),
    .timeLimit(.minutes(5))
)
struct FleetSecurityTests {
    @Test(
        "With certificates and a key for payloads a run is done as without; who has none is told at once what is missing"
    )
    func mutualTLS() async throws {
        let port = try #require(TestTemporal.address?.split(separator: "/")[1].split(separator: ":").last)
        let authority = try TestAuthority()
        let proxy = try await CuttableProxy(
            to: try #require(Int(port)),
            certificate: try authority.certificate(for: "DNS:temporal.example"),
            clientsOf: authority.certificate
        )
        let own = try authority.certificate(for: "DNS:client.example")
        let server = [
            "TEMPORAL_TLS_CA": authority.certificate.path, "TEMPORAL_TLS_SERVER_NAME": "temporal.example",
        ]
        let all = server.merging([
            "TEMPORAL_TLS_CERT": own.chain.path, "TEMPORAL_TLS_KEY": own.key.path, "TEMPORAL_API_KEY": "k3y",
            "BACKFILL_PAYLOAD_KEY": String(repeating: "5a", count: 32),
        ]) { $1 }
        let address = "temporal://127.0.0.1:\(proxy.port)/default"
        try await Workplace.with { place in
            try await place.makeSource(records: 2_000)
            try place.write(SpecFile(more: ["buckets: 4", "batch: 100"]))
            func backfill(_ arguments: String..., environment: [String: String]) async throws -> ProgramEnd {
                try await place.start(arguments + ["--engine", address], environment: environment).wait()
            }
            expectError(
                try await backfill("run", "spec.yaml", environment: server),
                exit: 1,
                "It wants a client's certificate that it trusts: TEMPORAL_TLS_CERT"
            )
            expectError(
                try await backfill("run", "spec.yaml", environment: ["TEMPORAL_TLS": "1"]),
                exit: 1,
                "an authority that is not trusted: TEMPORAL_TLS_CA"
            )

            let workers = Workers(in: place.folder, options: Workplace.mortal)
            defer { for worker in workers.running { worker.send(SIGKILL) } }
            try await workers.have(all, engine: address)
            for _ in 0..<2 { try workers.start(engine: address) }
            expectComplete(try await backfill("run", "spec.yaml", "--quiet", environment: all))
            #expect(try await place.records(of: "person", in: "target.sqlite") == place.sourceRecords())
            _ = try await workers.stop()
        }
        await proxy.close()
    }
}
