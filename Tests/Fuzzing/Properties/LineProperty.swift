import Foundation

@testable import BackfillKit
@testable import SQLConnectors

extension Property {
    /// A record is refused with the column that has no form, or its line in JSON and in CSV reads back as the record.
    static let line = Property(name: "line") { input in
        var draw = Draw(input)
        let batch = draw.batch()
        for row in 0..<batch.count {
            let values = batch.schema.columns.indices.map { batch[row, $0] }
            let isWritable = !values.contains { if case .real(let real) = $0 { !real.isFinite } else { false } }
            if let line = try encoded(RecordJSON(schema: batch.schema), batch, row, isWritable) {
                try checkJSON(line, values, batch.schema)
            }
            if let line = try encoded(RecordCSV(schema: batch.schema), batch, row, isWritable) {
                let fields = try csv(String(decoding: line.dropLast(), as: UTF8.self))
                try require(fields.count == values.count, "\(fields.count) fields of \(values.count) values")
                for (field, value) in zip(fields, values) {
                    try require(field == csvField(value), "\(value) is \(field ?? "nothing")")
                }
            }
            let object = RecordJSON.lenientObject(of: batch, row: row)
            guard (try? JSONSerialization.jsonObject(with: Data(object.utf8))) is [String: Any] else {
                throw Violation(description: "no JSON object: \(object)")
            }
        }
    }

    private static func encoded(_ encoder: some RecordEncoder, _ batch: RecordBatch, _ row: Int, _ isWritable: Bool)
        throws
        -> [UInt8]?
    {
        let buffer = LineBuffer(capacity: 64)
        let unwritable = batch.slice(row..<row + 1).withCells { encoder.append($0, $1, to: buffer) }
        try require((unwritable == nil) == isWritable, "row \(row) was \(isWritable ? "refused" : "taken")")
        if unwritable != nil { return nil }
        try require(buffer.array.last == UInt8(ascii: "\n"), "the line does not end")
        return buffer.array
    }

    private static func checkJSON(_ line: [UInt8], _ values: [Value], _ schema: RecordSchema) throws {
        try require(!line.dropLast().contains(UInt8(ascii: "\n")), "a line feed within a line")
        let object = try JSONDecoder().decode([String: JSONValue].self, from: Data(line))
        for (column, value) in zip(schema.columns, values) {
            let read = try require(object[column.name], "column \(column.name.debugDescription) is missing")
            switch (value, read) {
            case (.null, .null): break
            case (.integer(let one), .integer(let other)) where one == other: break
            case (.real(let one), .real(let other)) where one == other: break
            case (.real(let one), .integer(let other)) where one == Double(other): break
            case (.text(let one), .text(let other)) where one.utf8.elementsEqual(other.utf8): break
            case (.blob(let one), .text(let other)) where Data(base64Encoded: other) == Data(one): break
            default: throw Violation(description: "\(value) reads back as \(read)")
            }
        }
    }

    /// What a field holds; nil for an empty one without quotes.
    private static func csvField(_ value: Value) -> String? {
        switch value {
        case .null: nil
        case .integer(let integer): "\(integer)"
        case .real(let real):
            // The shortest form that reads back the same, with a point.
            "\(real)"
        case .text(let text): text
        case .blob(let blob): Data(blob).base64EncodedString()
        }
    }

    /// The fields of one record of comma-separated values.
    private static func csv(_ line: String) throws -> [String?] {
        var fields: [String?] = []
        var rest = Substring(line).unicodeScalars
        repeat {
            var field = String.UnicodeScalarView()
            guard rest.first == "\"" else {
                while let scalar = rest.first, scalar != "," { field.append(rest.removeFirst()) }
                fields.append(field.isEmpty ? nil : String(field))
                continue
            }
            rest.removeFirst()
            while let scalar = rest.popFirst() {
                if scalar == "\"" {
                    guard rest.first == "\"" else { break }
                    rest.removeFirst()
                }
                field.append(scalar)
            }
            fields.append(String(field))
            try require(rest.isEmpty || rest.first == ",", "something behind a quoted field")
        } while rest.popFirst() != nil
        return fields
    }
}
