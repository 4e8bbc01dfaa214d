/// A query's text taken apart at its named parameters (`:since`), by PostgreSQL's lexical rules:
/// https://www.postgresql.org/docs/15/sql-syntax-lexical.html
///
/// A colon is not a parameter in strings, quoted names, comments and `$$` quotes, in a cast (`::`), before `=`, and within brackets, where
/// it cuts arrays (`a[1:n]`).
struct PostgreSQLQueryText: Equatable {
    enum Part: Equatable {
        case text(String)
        /// A name without its colon.
        case parameter(String)
    }

    /// Why a text cannot be one query.
    enum Problem: Error, Equatable {
        case empty
        case severalStatements
        /// `$1`.
        case unnamedParameter
        /// A quote or comment that nothing ends.
        case unterminated(String)
    }

    /// The statement without the semicolon that may end it.
    private(set) var parts: [Part] = []

    /// The parameters' names, each once, in the order in which they come first.
    var parameterNames: [String] {
        var names: [String] = []
        for case .parameter(let name) in parts where !names.contains(name) { names.append(name) }
        return names
    }

    /// The text with something else in the place of each parameter.
    func replacing(_ replacement: (_ name: String) -> String) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .parameter(let name): replacement(name)
            }
        }.joined()
    }

    init(_ sql: String) throws(Problem) {
        var scanner = PostgreSQLScanner(sql)
        var text: [UInt8] = []
        var isEnded = false
        var isEmpty = true
        while let token = try scanner.next() {
            switch token {
            // Behind the semicolon it is nothing to the statement, and without the semicolon it might become a part of it.
            case .blank(let bytes): if !isEnded { text += bytes }
            case .semicolon: isEnded = true
            case .parameter, .positional, .other:
                // A statement behind the semicolon; a second semicolon alone is no statement.
                if isEnded { throw isEmpty ? .empty : .severalStatements }
                isEmpty = false
                switch token {
                case .parameter(let name):
                    parts.append(.text(String(decoding: text, as: UTF8.self)))
                    parts.append(.parameter(name))
                    text = []
                case .positional: throw .unnamedParameter
                case .other(let bytes): text += bytes
                case .blank, .semicolon: break
                }
            }
        }
        guard !isEmpty else { throw .empty }
        parts.append(.text(String(decoding: text, as: UTF8.self)))
    }
}

/// Cuts SQL text into what matters for parameters and statement ends.
private struct PostgreSQLScanner {
    enum Token {
        /// Blanks and comments.
        case blank(ArraySlice<UInt8>)
        case semicolon
        case parameter(String)
        /// `$1`.
        case positional
        /// Words, numbers, quoted text, operators.
        case other(ArraySlice<UInt8>)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var brackets = 0

    init(_ sql: String) { bytes = Array(sql.utf8) }

    private func byte(_ offset: Int = 0) -> UInt8? {
        bytes.indices.contains(position + offset) ? bytes[position + offset] : nil
    }

    mutating func next() throws(PostgreSQLQueryText.Problem) -> Token? {
        guard let first = byte() else { return nil }
        let start = position
        switch first {
        case 0x09...0x0D, 0x20:
            while let next = byte(), (0x09...0x0D).contains(next) || next == 0x20 { position += 1 }
            return .blank(bytes[start..<position])
        case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
            while let next = byte(), next != 0x0A, next != 0x0D { position += 1 }
            return .blank(bytes[start..<position])
        case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"):
            try skipComment()
            return .blank(bytes[start..<position])
        case UInt8(ascii: ";"):
            position += 1
            return .semicolon
        case UInt8(ascii: ":") where brackets == 0 && byte(1).map(Self.beginsWord) == true:
            position += 1
            let name = word()
            return .parameter(String(decoding: name, as: UTF8.self))
        case UInt8(ascii: ":"): position += byte(1) == UInt8(ascii: ":") ? 2 : 1
        case UInt8(ascii: "["), UInt8(ascii: "]"):
            brackets = max(0, brackets + (first == UInt8(ascii: "[") ? 1 : -1))
            position += 1
        case UInt8(ascii: "'"): try skipQuoted(by: first, escapes: false, what: "string")
        case UInt8(ascii: "\""): try skipQuoted(by: first, escapes: false, what: "quoted name")
        case UInt8(ascii: "$"):
            if byte(1).map({ (0x30...0x39).contains($0) }) == true { return .positional }
            try skipDollarQuoted()
        case _ where Self.beginsWord(first):
            let text = word()
            if text.count == 1, first | 0x20 == UInt8(ascii: "e"), byte() == UInt8(ascii: "'") {
                try skipQuoted(by: UInt8(ascii: "'"), escapes: true, what: "string")
            }
        case 0x30...0x39:
            // `1e5`, `0x1f`: letters that follow a digit begin no word.
            while let next = byte(), Self.continuesWord(next) { position += 1 }
        default: position += 1
        }
        return .other(bytes[start..<position])
    }

    private static func beginsWord(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & ~0x20) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    private static func continuesWord(_ byte: UInt8) -> Bool { beginsWord(byte) || (0x30...0x39).contains(byte) }

    private mutating func word() -> ArraySlice<UInt8> {
        let start = position
        while let next = byte(), Self.continuesWord(next) || next == UInt8(ascii: "$") { position += 1 }
        return bytes[start..<position]
    }

    /// Comments nest in PostgreSQL.
    private mutating func skipComment() throws(PostgreSQLQueryText.Problem) {
        var depth = 0
        repeat {
            guard let first = byte() else { throw .unterminated("comment (/*)") }
            if first == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                depth += 1
                position += 2
            } else if first == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                depth -= 1
                position += 2
            } else {
                position += 1
            }
        } while depth > 0
    }

    /// A doubled quote stands for one; with `escapes` a backslash takes the next character with it.
    private mutating func skipQuoted(by quote: UInt8, escapes: Bool, what: String) throws(PostgreSQLQueryText.Problem) {
        position += 1
        while let next = byte() {
            position += 1
            if next == quote {
                guard byte() == quote else { return }
                position += 1
            } else if escapes, next == UInt8(ascii: "\\") {
                position += 1
            }
        }
        throw .unterminated(what)
    }

    /// `$$…$$` and `$tag$…$tag$`; a lone dollar is some operator.
    private mutating func skipDollarQuoted() throws(PostgreSQLQueryText.Problem) {
        let start = position
        position += 1
        while let next = byte(), Self.continuesWord(next) { position += 1 }
        guard byte() == UInt8(ascii: "$") else { return }
        position += 1
        let tag = bytes[start..<position]
        while position + tag.count <= bytes.count {
            if bytes[position] == UInt8(ascii: "$"), bytes[position..<position + tag.count] == tag {
                position += tag.count
                return
            }
            position += 1
        }
        throw .unterminated("\(String(decoding: tag, as: UTF8.self)) quote")
    }
}
