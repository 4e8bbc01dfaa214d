import Foundation
import GRDBSQLite

@testable import SQLConnectors

/// Asks SQLite itself what it makes of values in columns.
final class SQLiteCells: Sendable {
    static let shared = SQLiteCells()

    /// What a column of a type keeps of a value.
    func kept(_ value: Value, type: String) throws -> Value {
        let connection = try SQLiteConnection(uri: "file::memory:")
        try connection.execute("CREATE TABLE t (v \(type))")
        let insert = try connection.prepare("INSERT INTO t VALUES (?1)")
        insert.bind(value, at: 1)
        try insert.run()
        let select = try connection.prepare("SELECT typeof(v), hex(CAST(v AS BLOB)), v FROM t")
        guard try select.step() else { throw Violation(description: "SQLite has lost a value") }
        let hex = Array((select.text(1) ?? "").utf8)
        let bytes = stride(from: 0, to: hex.count, by: 2).map { Self.digit(hex[$0]) << 4 | Self.digit(hex[$0 + 1]) }
        switch select.text(0) {
        case "integer": return .integer(select.integer(2))
        case "real": return .real(sqlite3_column_double(select.handle, 2))
        case "text": return .text(String(decoding: bytes, as: UTF8.self))
        case "blob": return .blob(bytes)
        default: return .null
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 { byte < 0x3A ? byte - 0x30 : byte - 0x41 + 10 }
}

/// Whether a value is still the same when another type stands for it.
enum Numbers {
    static func areSame(_ one: Value, _ other: Value) -> Bool {
        switch (one, other) {
        case (.integer(let integer), .real(let real)): Int64(exactly: real) == integer
        case (.real(let real), .integer(let integer)): Double(integer) == real
        case (.text(let text), .integer(let integer)): isWritten(text, integer)
        case (.text(let text), .real(let real)):
            Self.double(text) == real && real.isFinite && (real != 0 || isZero(text))
        case (.integer(let integer), .text(let text)): text == "\(integer)"
        case (.real(let real), .text(let text)): Double(text.replacing("Inf", with: "inf")) == real
        default: one == other
        }
    }

    private static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

    private static func double(_ text: String) -> Double? { strtod(trimmed(text), nil) }

    private static func isZero(_ text: String) -> Bool {
        !trimmed(text).prefix { $0 != "e" && $0 != "E" }.contains { "123456789".contains($0) }
    }

    private static func isWritten(_ text: String, _ number: Int64) -> Bool {
        if let integer = Int64(trimmed(text)) { return integer == number }
        if number.magnitude < 1 << 53 { return double(text) == Double(number) }
        return Decimal(string: trimmed(text)) == Decimal(number)
    }
}
