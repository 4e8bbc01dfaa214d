import Foundation
public import GRDB

/// A row of the store, or of a view of it, whose properties are named as its columns are: `queryID` is `query_id`.
public protocol StoredRow: Codable, FetchableRecord, Sendable {}

extension StoredRow {
    /// `query_id` → `queryID`, so that no type needs to list its columns.
    public static var databaseColumnDecodingStrategy: DatabaseColumnDecodingStrategy {
        .custom { column in ColumnKey(column: column) }
    }
}

private struct ColumnKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(column: String) {
        guard column.utf8.contains(UInt8(ascii: "_")) else {
            stringValue = column
            return
        }
        let parts = column.split(separator: "_")
        stringValue =
            parts.prefix(1).joined() + parts.dropFirst().map { $0 == "id" ? "ID" : $0.capitalized }.joined()
    }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
