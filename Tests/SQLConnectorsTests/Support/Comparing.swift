@testable import SQLConnectors

extension RecordTable {
    /// What one comparison of records says, as `key: difference`.
    func differences(_ records: RecordBatch) async throws -> [String] {
        let comparison = try await compare(schema: records.schema)
        let differences = try await comparison.compare(records).map(\.text)
        await comparison.close()
        return differences
    }
}

extension RecordDifference {
    /// `4711: changed name, at`.
    var text: String {
        switch kind {
        case .missing: "\(recordID): missing"
        case .changed(let columns): "\(recordID): changed \(columns.joined(separator: ", "))"
        case .repeated(let count): "\(recordID): \(count) rows"
        }
    }
}
