import Foundation
public import SQLConnectors

/// The plan that a run of a spec would have.
public struct RehearsedPlan: Sendable {
    /// The query's name.
    public var query: String
    /// Its result, as staged for the rehearsal.
    public var recordCount: Int64
    /// The buckets.
    public var plan: BucketPlan
    /// A key that occurs more than once, with the ordinals of its first two records, if that was looked for and found.
    public var duplicateKey: DuplicateKey?
}

/// Stages a spec's queries in a temporary folder, only to see what a run would do.
public enum Rehearsal {
    /// Stages and plans every query; what was staged is removed again.
    ///
    /// - Throws: what staging throws.
    public static func plan(_ spec: BackfillSpec, checkingKeys: Bool) async throws -> [RehearsedPlan] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "backfill-plan-\(UUID().uuidString)")
        try PrivateFile.createFolder(at: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try spec.openSource(session: "backfill plan \(spec.name)")
        var plans: [RehearsedPlan] = []
        for query in spec.queries {
            let staged = try await source.stage(
                try spec.sourceQuery(named: query.name),
                as: "\(query.name).sqlite",
                in: folder
            )
            let plan = try await spec.plan(staged, in: folder)
            var rehearsed = RehearsedPlan(query: query.name, recordCount: staged.recordCount, plan: plan)
            if checkingKeys {
                rehearsed.duplicateKey = try await StagedReader(staged.location(in: folder), schema: staged.schema)
                    .firstDuplicateKey()
            }
            plans.append(rehearsed)
            try? FileManager.default.removeItem(at: staged.location(in: folder))
        }
        return plans
    }
}
