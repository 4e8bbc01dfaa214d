import Foundation
public import GRDB

extension RunID: DatabaseValueConvertible {}
extension QueryID: DatabaseValueConvertible {}

extension Encodable {
    /// As the store keeps a value that has no column of its own: JSON with its keys in order.
    func databaseJSON() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
