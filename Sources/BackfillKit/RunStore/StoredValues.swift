import Foundation
public import GRDB
import SQLConnectors

extension RunID: DatabaseValueConvertible {}
extension QueryID: DatabaseValueConvertible {}

extension Canary {
    /// As the store keeps it.
    func databaseJSON() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}

extension StagedResult {
    /// As the store keeps it.
    func databaseJSON() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
