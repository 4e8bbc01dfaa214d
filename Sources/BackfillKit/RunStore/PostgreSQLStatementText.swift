import GRDB
import Synchronization

/// A statement with SQLite's parameters (`?`, `?3`, `:name`), written with PostgreSQL's (`$3`).
struct PostgreSQLStatementText: Sendable {
    /// What a `$` stands for.
    enum Parameter: Hashable, Sendable {
        /// From 1.
        case place(Int)
        case name(String)
    }

    let text: String
    /// In the order of `$1`, `$2`, …
    let parameters: [Parameter]

    /// The store has some hundred statements, each used again and again.
    private static let known = Mutex<[String: PostgreSQLStatementText]>([:])

    static func of(_ sql: String) -> PostgreSQLStatementText {
        known.withLock { known in
            if let statement = known[sql] { return statement }
            let statement = PostgreSQLStatementText(sql)
            known[sql] = statement
            return statement
        }
    }

    /// Parameters are looked for outside of literals, quoted names and comments.
    init(_ sql: String) {
        var (text, parameters) = ("", [Parameter]())
        var lastPlace = 0
        var rest = sql[...]
        func take(_ count: Int) {
            text += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        func put(_ parameter: Parameter) {
            let index = parameters.firstIndex(of: parameter) ?? parameters.count
            if index == parameters.count { parameters.append(parameter) }
            text += "$\(index + 1)"
        }
        while let character = rest.first {
            switch character {
            case "'", "\"":
                take(1)
                // A quote written twice ends one literal and begins the next.
                let end = rest.firstIndex(of: character)
                take(end.map { rest.distance(from: rest.startIndex, to: $0) + 1 } ?? rest.count)
            case "-" where rest.hasPrefix("--"):
                take(rest.prefix { !$0.isNewline }.count)
            case ":" where rest.hasPrefix("::"):
                take(2)
            case ":":
                let name = rest.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                rest = rest[name.endIndex...]
                put(.name(String(name)))
            case "?":
                // A bare one is the next after the highest so far: https://www.sqlite.org/lang_expr.html#varparam
                let digits = rest.dropFirst().prefix(while: \.isNumber)
                let place = Int(digits) ?? lastPlace + 1
                lastPlace = max(lastPlace, place)
                rest = rest[digits.endIndex...]
                put(.place(place))
            default: take(1)
            }
        }
        self.text = text
        self.parameters = parameters
    }

    /// The values in the order of `$1`, `$2`, …
    ///
    /// - Throws: ``StateError`` when one is missing, which is a mistake in the statement.
    func bind(_ arguments: StoreArguments) throws -> [DatabaseValue] {
        try parameters.map { parameter in
            switch parameter {
            case .place(let place) where arguments.positional.indices.contains(place - 1):
                return arguments.positional[place - 1]
            case .name(let name):
                if let value = arguments.named[name] { return value }
                fallthrough
            default: throw StateError(description: "A statement of the run store lacks a value: \(text)")
            }
        }
    }
}
