/// Stars out passwords that stand in connection strings.
enum Redaction {
    private static let stars = "***"

    /// `postgresql://user:***@host`, `?password=***`, `password = '***'`; a password that is nothing but one `${VARIABLE}` stays: it shows no secret.
    ///
    /// Rather too much is hidden than too little: the user part reaches to the last `@`, since passwords may hold any character.
    static func redact(_ text: String) -> String {
        var text = text
        if let scheme = text.firstRange(of: "://"), let at = text[scheme.upperBound...].lastIndex(of: "@"),
            let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        {
            let password = text[text.index(after: colon)..<at]
            if !isVariable(password) { text.replaceSubrange(password.startIndex..<password.endIndex, with: stars) }
        }
        // Most texts have none, and looking for one by a pattern takes much longer.
        guard text.utf8.contains(UInt8(ascii: "=")) else { return text }
        return text.replacing(#/(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]*)/#) { match in
            isVariable(match.output.2) ? String(match.output.0) : match.output.1 + stars
        }
    }

    private static func isVariable(_ text: Substring) -> Bool {
        text.wholeMatch(of: #/\$\{[A-Za-z_][A-Za-z0-9_]*\}/#) != nil
    }
}
