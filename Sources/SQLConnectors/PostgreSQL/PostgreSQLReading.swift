import CLibPQ

/// Reads a query's statement against a PostgreSQL source, and says what is wrong with it.
struct PostgreSQLReading {
    let schema: RecordSchema
    /// How each column travels.
    let wireTypes: [PostgreSQLWireType]
    /// The key column's type.
    let keyType: Oid
    private let query: SourceQuery
    private let text: PostgreSQLQueryText
    /// The type of each parameter by name, as the server infers it from where the parameter stands.
    private let parameterTypes: [String: String]

    init(_ query: SourceQuery, source: PostgreSQLSource, on connection: PostgreSQLConnection) throws {
        self.query = query
        text = try Self.text(of: query)
        let names = text.parameterNames
        do {
            let numbered = text.replacing { name in "$\((names.firstIndex(of: name) ?? 0) + 1)" }
            let description = try Self.describe(numbered, of: query, text: text, on: connection)
            let types = try Self.names(
                of: description.columns.map { ($0.type, $0.modifier) } + description.parameterTypes.map { ($0, -1) },
                on: connection
            )
            schema = try query.schema(
                of: zip(description.columns, types).map { Column(name: $0.name, declaredType: $1) },
                dialect: .postgresql
            )
            wireTypes = description.columns.map { PostgreSQLWireType($0.type) }
            keyType = description.columns[schema.keyIndex].type
            parameterTypes = Dictionary(uniqueKeysWithValues: zip(names, types.dropFirst(description.columns.count)))
        } catch let failure as PostgreSQLFailure {
            throw source.sourceError(failure)
        }
    }

    private static func text(of query: SourceQuery) throws -> PostgreSQLQueryText {
        let text: PostgreSQLQueryText
        do throws(PostgreSQLQueryText.Problem) {
            text = try PostgreSQLQueryText(query.sql)
        } catch {
            let problem =
                switch error {
                case .empty: "holds no statement. Write one SELECT into it."
                case .severalStatements:
                    "holds more than one statement. Keep one SELECT, and make a query of each other."
                case .unnamedParameter:
                    "uses a parameter without a name ($1). Write :name and give it under parameters."
                case .unterminated(let what): "has a \(what) that nothing ends."
                }
            throw SourceError("\(query.origin): query \(query.name) \(problem)")
        }
        let names = text.parameterNames
        if let name = names.first(where: { query.parameters[$0] == nil }) {
            throw SourceError(
                "\(query.origin): query \(query.name) uses :\(name), which its parameters do not give. Add `parameters: {\(name): …}`."
            )
        }
        if let name = query.parameters.keys.filter({ !names.contains($0) }).min() {
            throw SourceError(
                "\(query.origin): query \(query.name) does not use its parameter \(name). Remove it, or write :\(name) in the SQL."
            )
        }
        return text
    }

    /// Lets the server parse the statement: by itself, so that positions in errors are the text's own, and as what it has to be, a part
    /// of a SELECT, which nothing that writes can be.
    private static func describe(
        _ sql: String,
        of query: SourceQuery,
        text: PostgreSQLQueryText,
        on connection: PostgreSQLConnection
    ) throws -> PostgreSQLConnection.Description {
        do {
            let description = try connection.describe(sql)
            guard !description.columns.isEmpty, (try? connection.describe("SELECT 1 FROM (\(sql)\n) AS q")) != nil
            else {
                throw SourceError(
                    "\(query.origin): the statement of query \(query.name) does not just read. A query must be one SELECT (or WITH … SELECT)."
                )
            }
            return description
        } catch let failure as PostgreSQLFailure where failure.meaning == .refused || failure.meaning == .record {
            let place = failure.position.map { text.place(ofCharacter: $0, in: query.sql) } ?? ""
            throw SourceError("\(query.origin)\(place): query \(query.name): \(failure.text).")
        }
    }

    private static func names(
        of types: [(type: Oid, modifier: Int32)],
        on connection: PostgreSQLConnection
    ) throws -> [String] {
        let rows = try connection.execute(
            """
            SELECT format_type(t, nullif(m, -1)) FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS u(t, m, n) ORDER BY n
            """,
            [
                "{\(types.map { String($0.type) }.joined(separator: ","))}",
                "{\(types.map { String($0.modifier) }.joined(separator: ","))}",
            ]
        )
        return (0..<rows.count).map { rows[$0, 0] ?? "text" }
    }

    /// Binds the parameters, for the time of the transaction, and gives the statement that copies the rows out.
    func copyStatement(on connection: PostgreSQLConnection) throws -> String {
        "COPY (SELECT \(columns) FROM (\(try bound(on: connection))\n) AS q) TO STDOUT (FORMAT binary)"
    }

    /// The columns as they travel, of a query named q.
    var columns: String {
        zip(schema.columns, wireTypes).map { column, type in
            "q.\(quotedIdentifier(column.name))" + (type == .castToText ? "::text" : "")
        }.joined(separator: ", ")
    }

    /// Binds the parameters, for the time of the transaction, and gives the query's text as a part of a COPY.
    ///
    /// COPY takes no bound parameters. So each value is bound to a setting of the session, and the statement reads the setting: the value
    /// is never part of a statement's text, nor of what the server logs or shows of it.
    func bound(on connection: PostgreSQLConnection) throws -> String {
        var settings: [String: String] = [:]
        for (index, name) in text.parameterNames.enumerated() {
            let setting = "backfill.parameter\(index)"
            let type = parameterTypes[name] ?? "text"
            guard let value = query.parameters[name]?.postgreSQLText else {
                settings[name] = "NULL::\(type)"
                continue
            }
            try connection.execute("SELECT set_config($1, $2, true)", [setting, value])
            settings[name] = "current_setting('\(setting)')::\(type)"
        }
        return text.replacing { name in "(\(settings[name] ?? "NULL"))" }
    }
}

extension Value {
    /// As PostgreSQL reads it; nil for NULL.
    var postgreSQLText: String? {
        switch self {
        case .null: nil
        case .integer(let integer): String(integer)
        case .real(let real): real.isNaN ? "NaN" : real.isInfinite ? (real < 0 ? "-Infinity" : "Infinity") : "\(real)"
        case .text(let text): text
        case .blob(let bytes): "\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}

extension PostgreSQLQueryText {
    /// `:line:column` in the query's own text of a character (from 1) of the text with numbered parameters.
    func place(ofCharacter position: Int, in sql: String) -> String {
        let names = parameterNames
        var left = position - 1
        var offset = 0
        for part in parts {
            // PostgreSQL counts characters as Unicode scalars.
            switch part {
            case .text(let text):
                let length = text.unicodeScalars.count
                if left < length { return Self.place(offset + left, in: sql) }
                left -= length
                offset += length
            case .parameter(let name):
                let length = "$\((names.firstIndex(of: name) ?? 0) + 1)".count
                if left < length { return Self.place(offset, in: sql) }
                left -= length
                offset += name.unicodeScalars.count + 1
            }
        }
        return Self.place(offset, in: sql)
    }

    private static func place(_ offset: Int, in sql: String) -> String {
        let lines = sql.unicodeScalars.prefix(offset).split(separator: "\n", omittingEmptySubsequences: false)
        return ":\(lines.count):\((lines.last?.count ?? 0) + 1)"
    }
}
