public import Foundation

/// A subscriber that ships with the toolkit; in the spec an entry of `sinks` with the kind as its only key.
public enum SinkSpec: Hashable, Sendable {
    /// `table: {database, name, …}`.
    case table(TableSinkSpec)
    /// `file: {path, …}`.
    case file(FileSinkSpec)
    /// `http: {url, …}`.
    case http(HTTPSinkSpec)
}

/// Writes records to a table.
public struct TableSinkSpec: Hashable, Sendable {
    /// What happens to a record whose key is in the table already.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// It is refused and becomes a dead letter.
        case append
        /// The row is updated.
        case upsert
    }

    /// `database`, required.
    public var database: ConnectionString
    /// `name`, required: the table.
    public var name: String
    /// `mode`: `append` unless given, since that never changes a row that is there.
    public var mode: Mode
    /// `create`: whether to create the table when it is missing; false unless given.
    public var createsTable: Bool
    /// `key`: the column that tells rows apart; the queries' key unless given. Required for `upsert` when the queries' keys differ.
    public var key: String?
    /// `unless-newer`, with `upsert` only: a column; a row in which it is greater than in the record is kept.
    public var unlessNewer: String?
}

/// Writes records to a file, whose final name appears when the run is complete.
public struct FileSinkSpec: Hashable, Sendable {
    /// `path`, required: absolute here; relative paths in the spec are relative to the spec file.
    public var file: URL
    /// `format`: what the path's extension says unless given.
    public var format: FileFormat
}
