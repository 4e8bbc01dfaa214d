import Foundation

extension [SinkSpec] {
    /// The names of the sinks' subscriptions, in order and all different: sinks of the same name are told apart by their places, and by a
    /// number where a place may not be shown in full.
    var subscriptionNames: [String] {
        var seen: [String: Int] = [:]
        return map { sink in
            let isAlone = count { $0.name == sink.name } == 1
            let name = isAlone ? sink.name : "\(sink.name) in \(sink.container)"
            seen[name, default: 0] += 1
            return seen[name] == 1 ? name : "\(name) (\(seen[name, default: 1]))"
        }
    }
}

extension SinkSpec {
    fileprivate var name: String {
        switch self {
        case .table(let table): "table \(table.name)"
        case .file(let file): "file \(file.file.lastPathComponent)"
        case .http(let http): "http \(http.place)"
        }
    }

    /// What the table or file lies in, or whose server it is.
    fileprivate var container: String {
        switch self {
        case .table(let table):
            switch table.database.place {
            case .sqlite(let file): file.path
            case .postgresql: table.database.redacted
            }
        case .file(let file): file.file.deletingLastPathComponent().path
        case .http(let http): "\(http.method.rawValue) \(http.url.redacted)"
        }
    }
}

extension HTTPSinkSpec {
    /// Host and path, as far as they may be shown.
    fileprivate var place: Substring {
        let shown = url.redacted
        return shown.firstRange(of: "://").map { shown[$0.upperBound...] } ?? shown[...]
    }
}
