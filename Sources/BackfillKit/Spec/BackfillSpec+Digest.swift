extension BackfillSpec {
    /// Recognises "the same spec": 16 hexadecimal digits over the spec as written and the SQL of its queries and hooks.
    ///
    /// FNV-1a, 64 bits, over each text's UTF-8 preceded by its length, so that moving a line from one text to the next changes it.
    /// Values of environment variables are not part of it. It guards against mistakes, not against anyone who wants two specs to agree.
    public var digest: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in [sourceText] + queries.flatMap({ [$0.name, $0.sql.text] })
            + hookSQL.sorted(by: <).flatMap({ [$0.key, $0.value] })
        {
            let bytes = Array(text.utf8)
            for byte in Array("\(bytes.count):".utf8) + bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The SQL of the hooks by their names.
    var hookSQL: [String: String] {
        var texts: [String: String] = [:]
        for hook in hooks { if case .sql(let sql, _) = hook.action { texts[hook.name] = sql.text } }
        return texts
    }
}
