/// A table's name as a person writes it: `customers`, `public.customers`, `"Odd.Name"."T"`.
struct PostgreSQLTableName: Hashable {
    /// nil: the first schema of the session's search path that has, or may make, the table.
    var schema: String?
    var table: String

    /// A name that is known already.
    init(schema: String?, table: String) {
        self.schema = schema
        self.table = table
    }

    /// Takes names apart at the dot. Outside of quotes letters stand for themselves, capitals too.
    ///
    /// - Throws: ``SinkError`` when it is no name.
    init(_ text: String) throws {
        var parts: [String] = [""]
        var isQuoted = false
        var characters = Substring(text)
        while let character = characters.popFirst() {
            switch character {
            case "\"" where isQuoted && characters.first == "\"":
                parts[parts.count - 1].append("\"")
                characters.removeFirst()
            case "\"": isQuoted.toggle()
            case "." where !isQuoted: parts.append("")
            default: parts[parts.count - 1].append(character)
            }
        }
        guard !isQuoted, parts.count <= 2, !parts.contains("") else {
            throw SinkError(
                "\(text) is no table name. Write name: table, or name: schema.table; a dot within a name needs double quotes."
            )
        }
        schema = parts.count == 2 ? parts[0] : nil
        table = parts[parts.count - 1]
    }

    /// Quoted, for SQL.
    var sql: String { (schema.map { quotedIdentifier($0) + "." } ?? "") + quotedIdentifier(table) }
}
