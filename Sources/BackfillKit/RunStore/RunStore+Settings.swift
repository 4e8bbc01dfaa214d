import GRDB

/// What holds for all runs of a store that several machines share.
extension RunStore {
    /// Keeps settings, unless the first of them is there already.
    ///
    /// - Returns: what holds now.
    package func settle(_ settings: [(name: String, value: String)]) async throws -> [String: String] {
        guard let first = settings.first else { return [:] }
        return try await database.write { db in
            let isNew =
                try db.execute(
                    sql: "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    arguments: [first.name, first.value]
                ) == 1
            if isNew {
                for setting in settings.dropFirst() {
                    try db.execute(
                        sql: "INSERT INTO setting (name, value) VALUES (?, ?)",
                        arguments: [setting.name, setting.value]
                    )
                }
            }
            return try Self.settings(db)
        }
    }

    /// All settings.
    package func settings() async throws -> [String: String] {
        try await database.read { db in try Self.settings(db) }
    }

    private static func settings(_ db: any StoreTransaction) throws -> [String: String] {
        let rows = try db.rows(sql: "SELECT name, value FROM setting", arguments: [])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"], $0["value"]) })
    }
}
