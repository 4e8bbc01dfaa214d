import Foundation
import SQLConnectors

/// A record as JSON for people: in dead letters and traces, where a record must show even when a file could not hold it.
enum RecordText {
    /// A JSON object of the record's columns. Reals that JSON has no form for, and blobs, become text that says what they are.
    static func object(of batch: RecordBatch, row: Int) -> String {
        let members = batch.schema.columns.enumerated().map { index, column in
            "\(quoted(column.name)):\(text(of: batch[row, index]))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func text(of value: Value) -> String {
        switch value {
        case .null: "null"
        case .integer(let integer): String(integer)
        case .real(let real): real.isFinite ? "\(real)" : quoted("\(real)")
        case .text(let text): quoted(text)
        case .blob(let bytes): quoted("base64:" + Data(bytes).base64EncodedString())
        }
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // A String always has a form in JSON.
        guard let data = try? encoder.encode(text) else { return "\"\"" }
        return String(decoding: data, as: UTF8.self)
    }
}
