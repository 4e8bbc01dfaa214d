import Foundation

extension [SinkSpec] {
    /// The names of the sinks' subscriptions, in order and all different: sinks of the same name are told apart by their places.
    var subscriptionNames: [String] {
        map { sink in
            let isAlone = count { $0.name == sink.name } == 1
            return isAlone ? sink.name : "\(sink.name) in \(sink.container)"
        }
    }
}

extension SinkSpec {
    fileprivate var name: String {
        switch self {
        case .table(let table): "table \(table.name)"
        case .file(let file): "file \(file.file.lastPathComponent)"
        }
    }

    /// What the table or file lies in.
    fileprivate var container: String {
        switch self {
        case .table(let table):
            switch table.database.place {
            case .sqlite(let file): file.path
            case .postgresql: table.database.redacted
            }
        case .file(let file): file.file.deletingLastPathComponent().path
        }
    }
}
