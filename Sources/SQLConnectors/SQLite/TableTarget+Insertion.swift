extension TableTarget {
    /// The statement that writes one record, its values as parameters in the schema's order.
    func insertion(of schema: RecordSchema) -> String {
        let columns = schema.columns.map { quotedIdentifier($0.name) }
        let insertion =
            "INSERT INTO \(quotedIdentifier(table)) (\(columns.joined(separator: ", ")))"
            + " VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
        guard case .upsert(let unlessNewer) = mode else { return insertion }
        return insertion + conflictClause(columns, schema: schema, unlessNewer: unlessNewer)
    }

    private func conflictClause(_ columns: [String], schema: RecordSchema, unlessNewer: String?) -> String {
        let key = quotedIdentifier(keyColumn(of: schema))
        let renewed = columns.filter { $0.lowercased() != key.lowercased() }
        guard !renewed.isEmpty else { return " ON CONFLICT (\(key)) DO NOTHING" }
        var clause =
            " ON CONFLICT (\(key)) DO UPDATE SET " + renewed.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        if let unlessNewer {
            let column = quotedIdentifier(unlessNewer)
            let row = "\(quotedIdentifier(table)).\(column)"
            clause += " WHERE \(row) IS NULL OR excluded.\(column) >= \(row)"
        }
        return clause
    }
}
