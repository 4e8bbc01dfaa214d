public import Foundation

/// How figures are told to programs: on stdout with `--json`, and in the reports that hooks send.
public enum ReportJSON {
    /// A value as JSON with sorted keys and the field names of the views (`query_id`).
    public static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
