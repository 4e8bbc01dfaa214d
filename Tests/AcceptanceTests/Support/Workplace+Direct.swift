import Foundation
import TestSupport
import Testing

/// A table `person` whose rows come and go while a run reads it.
struct ChangingSource {
    /// Ids of rows that were there from the beginning and that nobody has touched.
    private(set) var untouched: Set<Int>
    private let highest: Int
    private let execute: @Sendable (String) async throws -> Void

    init(records: Int, execute: @escaping @Sendable (String) async throws -> Void) {
        untouched = Set(1...records)
        highest = records
        self.execute = execute
    }

    /// Deletes some rows, and inserts others below, above and, where rows were deleted, between the others.
    mutating func change(using random: inout SplitMix64) async throws {
        let deleted = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            Int.random(in: 1...highest, using: &random)
        }
        untouched.subtract(deleted)
        let inserted = (0..<Int.random(in: 0...10, using: &random)).map { _ in
            Int.random(in: -50...highest + 500, using: &random)
        }
        untouched.subtract(inserted)
        let gone = Set(deleted + inserted).map(String.init).joined(separator: ", ")
        let added = Set(inserted).map { "(\($0), 'new', NULL, 0)" }.joined(separator: ", ")
        try await execute(
            "BEGIN; DELETE FROM person WHERE id IN (\(gone));"
                + (added.isEmpty ? "" : "INSERT INTO person VALUES \(added);") + "COMMIT"
        )
    }
}

extension Workplace {
    /// Runs `spec.yaml`, changes its source meanwhile, kills the program at random moments and carries it on until the run is complete; what
    /// it says about a change that it cannot cope with is done.
    ///
    /// - Parameter delete: deletes what a condition on `id` names from the table that is appended to.
    /// - Returns: how often it was killed.
    func runDirectlyThroughKills(
        _ source: inout ChangingSource,
        using random: inout SplitMix64,
        delete: (_ condition: String) async throws -> Void
    ) async throws -> Int {
        var kills = 0
        var longest = 600
        var arguments = ["run", "spec.yaml", "--quiet"]
        while true {
            let program = try start(arguments)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...longest, using: &random)))
            try await source.change(using: &random)
            switch engine {
            case .embedded: if kills < 12 { program.send(SIGKILL) }
            case .cluster:
                while kills < engine.kills(of: 12), !program.hasEnded {
                    try await replaceWorker(using: &random)
                    kills += 1
                    try await source.change(using: &random)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...longest, using: &random)))
                }
            }
            let end = try await program.wait()
            switch end.status {
            case .exit(0): return kills
            case .exit(1):
                // Of several buckets each has its own range.
                let buckets = try JSONResult(try await backfill("stats", "--json"))["buckets"].elements
                for bucket in buckets where bucket["state"].text == "failed" {
                    let refusal = try #require(
                        bucket["error"].text?.firstMatch(
                            of:
                                /took [0-9]+ records with keys (behind|from) (-?[0-9]+|the smallest one)(?: on)?(?:, (up to|before) (-?[0-9]+))?;/
                        ),
                        "\(end.all)"
                    )
                    var condition = "id > -1000"
                    if let first = Int(refusal.2) { condition = "id \(refusal.1 == "behind" ? ">" : ">=") \(first)" }
                    if let last = refusal.4 { condition += " AND id \(refusal.3 == "up to" ? "<=" : "<") \(last)" }
                    try await delete(condition)
                }
                arguments = ["resume", try await newestRun(), "--quiet", "--repeat-changed"]
                continue
            default: break
            }
            #expect(end.status == .signal(SIGKILL), "\(end.all)")
            kills += 1
            longest += longest / 4
            try await source.change(using: &random)
            let list = try await backfill("list", "--json")
            let newest = list.status == .exit(0) ? try JSONResult(list)[0] : nil
            if newest?["standing"].text == "complete" { return kills }
            arguments =
                if let run = newest?["run"]["run_id"].text { ["resume", run, "--quiet"] } else {
                    ["run", "spec.yaml", "--quiet"]
                }
        }
    }
}
