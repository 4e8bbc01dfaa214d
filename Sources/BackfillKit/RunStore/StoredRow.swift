import Foundation
public import GRDB
import Synchronization

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

    /// Tables have few columns, and rows are many.
    private static let known = Mutex<[String: String]>([:])

    init(column: String) {
        stringValue = Self.known.withLock { known in
            if let name = known[column] { return name }
            let parts = column.split(separator: "_")
            let name =
                parts.prefix(1).joined() + parts.dropFirst().map { $0 == "id" ? "ID" : $0.capitalized }.joined()
            known[column] = name
            return name
        }
    }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
