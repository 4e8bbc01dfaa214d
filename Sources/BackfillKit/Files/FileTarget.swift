public import Foundation
import SQLConnectors

/// What a line of a file sink holds.
public enum FileFormat: String, Codable, Hashable, Sendable, CaseIterable {
    /// One JSON object a line, as ``RecordJSON`` writes it; `.ndjson` and `.jsonl`.
    case ndjson
    /// Comma-separated values below one header line, as ``RecordCSV`` writes them; `.csv`.
    case csv
}

/// A file that the records of one run are written to.
public struct FileTarget: Hashable, Sendable {
    /// The name that appears when the run is complete.
    public var file: URL
    /// What its lines hold.
    public var format: FileFormat

    /// Names a file and how its lines look.
    public init(file: URL, format: FileFormat) {
        self.file = file
        self.format = format
    }

    /// The name while the run goes.
    package var partial: URL { URL(fileURLWithPath: file.path + ".partial") }
    /// The ledger, a SQLite database.
    package var ledger: URL { URL(fileURLWithPath: file.path + ".ledger") }
    var folder: URL { file.deletingLastPathComponent() }

    func encoder(for schema: RecordSchema) -> any RecordEncoder {
        switch format {
        case .ndjson: RecordJSON(schema: schema)
        case .csv: RecordCSV(schema: schema)
        }
    }
}
