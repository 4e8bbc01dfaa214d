import GRDBSQLite

/// Reads a query's statement against a source, and says what is wrong with it.
enum QueryReading {
    /// Prepares the statement, binds its parameters and checks what can be checked without running it.
    static func prepare(_ query: SourceQuery, on connection: SQLiteConnection) throws -> (SQLiteStatement, RecordSchema)
    {
        let statement = try onlyStatement(of: query, on: connection)
        guard sqlite3_stmt_readonly(statement.handle) != 0, sqlite3_column_count(statement.handle) > 0,
            try isSelect(statement, query: query)
        else {
            throw SourceError(
                "\(query.origin): the statement of query \(query.name) does not just read. A query must be one SELECT (or WITH … SELECT)."
            )
        }
        try bind(query, to: statement)
        return (statement, try schema(of: statement, query: query))
    }

    /// Whether the statement can stand where a SELECT can; PRAGMA and EXPLAIN only read and give columns too, and cannot.
    private static func isSelect(_ statement: SQLiteStatement, query: SourceQuery) throws -> Bool {
        do {
            _ = try statement.connection.prepare("SELECT 1 FROM (\(selection(of: statement)))")
            return true
        } catch let failure as SQLiteFailure {
            try throwIfLocked(failure)
            return false
        }
    }

    /// The statement as it can stand in brackets in another one.
    static func selection(of statement: SQLiteStatement) -> String {
        var sql = sqlite3_sql(statement.handle).map { String(cString: $0) } ?? ""
        // The text ends with its semicolon, or with a comment, where one more or less does not matter.
        if sql.last == ";" { sql.removeLast() }
        return sql + "\n"
    }

    /// Exactly one statement; blanks, comments and a semicolon around it are fine.
    private static func onlyStatement(of query: SourceQuery, on connection: SQLiteConnection) throws -> SQLiteStatement
    {
        let first: (statement: SQLiteStatement?, rest: String)
        do {
            first = try connection.prepareFirst(of: query.sql)
        } catch let failure as SQLiteFailure {
            try throwIfLocked(failure)
            let place = failure.offset.map { position(of: $0, in: query.sql) } ?? ""
            throw SourceError("\(query.origin)\(place): query \(query.name): \(failure.message).")
        }
        guard let statement = first.statement else {
            throw SourceError("\(query.origin): query \(query.name) holds no statement. Write one SELECT into it.")
        }
        var rest = first.rest
        while !rest.isEmpty {
            // What follows is harmless only if SQLite finds no statement in it; one that does not even parse is a second one too.
            let next = try? connection.prepareFirst(of: rest)
            guard let next, next.statement == nil else {
                throw SourceError(
                    "\(query.origin): query \(query.name) holds more than one statement. Keep one SELECT, and make a query of each other."
                )
            }
            if next.rest.utf8.count >= rest.utf8.count { break }
            rest = next.rest
        }
        return statement
    }

    private static func throwIfLocked(_ failure: SQLiteFailure) throws {
        guard failure.primaryCode == SQLITE_BUSY || failure.primaryCode == SQLITE_LOCKED else { return }
        throw SourceUnavailable(
            description:
                "The source is locked by another program: \(failure.message). End that program's transaction, then try again."
        )
    }

    private static func bind(_ query: SourceQuery, to statement: SQLiteStatement) throws {
        var unused = Set(query.parameters.keys)
        let count = sqlite3_bind_parameter_count(statement.handle)
        for index in 0..<count {
            guard let pointer = sqlite3_bind_parameter_name(statement.handle, index + 1) else {
                throw SourceError(
                    "\(query.origin): query \(query.name) uses a parameter without a name (?). Write :name and give it under parameters."
                )
            }
            let name = String(String(cString: pointer).dropFirst())
            guard let value = query.parameters[name] else {
                throw SourceError(
                    "\(query.origin): query \(query.name) uses :\(name), which its parameters do not give. Add `parameters: {\(name): …}`."
                )
            }
            unused.remove(name)
            statement.bind(value, at: index + 1)
        }
        if let name = unused.min() {
            throw SourceError(
                "\(query.origin): query \(query.name) does not use its parameter \(name). Remove it, or write :\(name) in the SQL."
            )
        }
    }

    private static func schema(of statement: SQLiteStatement, query: SourceQuery) throws -> RecordSchema {
        let columns = (0..<sqlite3_column_count(statement.handle)).map { index in
            Column(
                name: sqlite3_column_name(statement.handle, index).map { String(cString: $0) } ?? "",
                declaredType: sqlite3_column_decltype(statement.handle, index).map { String(cString: $0) }
            )
        }
        return try query.schema(of: columns)
    }

    /// `:line:column` of a byte offset.
    private static func position(of offset: Int, in sql: String) -> String {
        // By bytes: the two characters that end a line on Windows are one `Character`, which is no "\n".
        let lines = sql.utf8.prefix(offset).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let column = lines.last.map { String(decoding: $0, as: UTF8.self).count } ?? 0
        return ":\(lines.count):\(column + 1)"
    }
}
