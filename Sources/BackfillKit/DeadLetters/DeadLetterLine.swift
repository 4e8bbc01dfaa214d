public import Foundation
import SQLConnectors

/// A dead letter as a line of NDJSON that a person can mend and hand back.
public struct DeadLetterLine: Sendable {
    /// The query of the spec.
    public var queryID: QueryID
    /// The record's ordinal in its staged result.
    public var ordinal: Int64
    /// The subscription that refused it.
    public var subscription: String
    /// The record's columns by name.
    var record: [String: JSONValue]

    /// The line for a dead letter.
    public static func text(of letter: StoredDeadLetter, query: String) throws -> String {
        let head = Head(
            run: letter.runID.rawValue,
            query: query,
            queryID: letter.queryID.rawValue,
            ordinal: letter.ordinal,
            subscription: letter.subscription,
            bucket: letter.bucket,
            recordID: letter.recordID,
            correlationID: letter.correlationID,
            errorType: letter.errorType,
            error: letter.error,
            attempts: letter.attempts
        )
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var line = String(decoding: try encoder.encode(head), as: UTF8.self)
        // The payload is a JSON object as it stands; its members keep the columns' order for whoever reads it.
        line.removeLast()
        return line + ",\"record\":\(letter.payload)}"
    }

    private struct Head: Encodable {
        var run: String
        var query: String
        var queryID: String
        var ordinal: Int64
        var subscription: String
        var bucket: Int
        var recordID: String
        var correlationID: String
        var errorType: String
        var error: String
        var attempts: Int
    }

    private struct Body: Decodable {
        var query_id: String
        var ordinal: Int64
        var subscription: String
        var record: [String: JSONValue]
    }

    /// Reads a file of lines; empty ones are left out.
    ///
    /// - Throws: ``RunRefused`` that names the line.
    public static func read(_ file: URL) throws -> [DeadLetterLine] {
        let text: String
        do {
            text = try String(contentsOf: file, encoding: .utf8)
        } catch {
            throw RunRefused(description: "\(file.path) cannot be read as text: check the path.")
        }
        var lines: [DeadLetterLine] = []
        // Only a line feed ends a line: a record's text may hold what else Unicode takes for the end of one.
        for (index, bytes) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = Substring(bytes)
            if line.allSatisfy(\.isWhitespace) { continue }
            do {
                let body = try JSONDecoder().decode(Body.self, from: Data(line.utf8))
                lines.append(
                    DeadLetterLine(
                        queryID: QueryID(rawValue: body.query_id),
                        ordinal: body.ordinal,
                        subscription: body.subscription,
                        record: body.record
                    )
                )
            } catch {
                throw RunRefused(
                    description: """
                        \(file.path):\(index + 1): the line is not as `dead-letters export` wrote it: it needs the members query_id, \
                        ordinal, subscription and record, in one JSON object on one line.
                        """
                )
            }
        }
        return lines
    }

    /// The values that differ from what was exported, by column.
    ///
    /// - Parameter letter: the dead letter as it is kept; `schema` are its record's columns.
    /// - Throws: ``RunRefused`` for a column that is unknown, or a value that no column can hold.
    func changes(to letter: StoredDeadLetter, _ schema: RecordSchema) throws -> [Int: Value] {
        let exported = try JSONDecoder().decode([String: JSONValue].self, from: Data(letter.payload.utf8))
        var changes: [Int: Value] = [:]
        for (name, value) in record.sorted(by: { $0.key < $1.key }) {
            guard let column = schema.columns.firstIndex(where: { $0.name == name }) else {
                throw RunRefused(
                    description: """
                        The mended record \(letter.recordID) has a column \(name), which its query does not give. Its columns are \
                        \(schema.columns.map(\.name).joined(separator: ", ")).
                        """
                )
            }
            // What nobody touched keeps its exact value, also where JSON has no form for it.
            if value == exported[name] { continue }
            guard let read = value.value else {
                throw RunRefused(
                    description:
                        "Column \(name) of the mended record \(letter.recordID) is a list or an object: write text."
                )
            }
            changes[column] = read
        }
        return changes
    }
}

/// A JSON value with its number exactly as it was written, as far as 64 bits hold it.
enum JSONValue: Decodable, Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case composite

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .real(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else {
            self = .composite
        }
    }

    /// The value as records hold it; nil for a list or an object.
    var value: Value? {
        switch self {
        case .null: .null
        case .boolean(let value): .integer(value ? 1 : 0)
        case .integer(let value): .integer(value)
        case .real(let value): .real(value)
        case .text(let value): .text(value)
        case .composite: nil
        }
    }
}
