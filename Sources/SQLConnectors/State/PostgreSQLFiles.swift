package import Foundation

/// Files kept in a table of a PostgreSQL database, in parts, so that every machine can have a copy.
///
/// The table is `result_part (file TEXT, part BIGINT, bytes BYTEA)`, in the schema of the sessions. A file is there whole or not at all.
package struct PostgreSQLFiles: Sendable {
    private let sessions: PostgreSQLSessions

    /// Bytes of a part. A part is held in memory whole, here and on the server.
    private static let partSize = 1 << 20

    /// Uses sessions of its own, for a file takes longer than a small transaction.
    package init(_ server: PostgreSQLServer, schema: String) {
        sessions = PostgreSQLSessions(server, schema: schema, count: 2, patience: .seconds(60))
    }

    /// Keeps a file under a name; one that was kept under it before is replaced.
    package func put(_ file: URL, as name: String) async throws {
        try await sessions.run { connection in
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            try connection.execute("BEGIN")
            try connection.execute("DELETE FROM result_part WHERE file = $1", [name])
            var part = 0
            while let bytes = try handle.read(upToCount: Self.partSize), !bytes.isEmpty {
                try connection.execute(
                    "INSERT INTO result_part (file, part, bytes) VALUES ($1, $2, $3)",
                    [name, String(part)],
                    bytes
                )
                part += 1
            }
            try connection.execute("COMMIT")
        }
    }

    /// Writes what is kept under a name to the end of a file.
    ///
    /// - Returns: whether anything is kept under it.
    package func get(_ name: String, appendingTo file: FileHandle) async throws -> Bool {
        try await sessions.run { connection in
            var part = 0
            // A file is not changed once it is kept, so each part may be read by itself.
            while let bytes = try connection.bytes(
                "SELECT bytes FROM result_part WHERE file = $1 AND part = $2",
                [name, String(part)]
            ) {
                try file.write(contentsOf: bytes)
                part += 1
            }
            return part > 0
        }
    }

    /// The bytes kept under a name; nil when nothing is.
    package func size(of name: String) async throws -> Int64? {
        try await sessions.run { connection in
            let rows = try connection.execute(
                "SELECT sum(octet_length(bytes)) FROM result_part WHERE file = $1",
                [name]
            )
            return rows[0, 0].flatMap { Int64($0) }
        }
    }

    /// Forgets what is kept under names that begin so, but for one.
    package func remove(beginningWith prefix: String, except kept: String? = nil) async throws {
        try await sessions.run { connection in
            _ = try connection.execute(
                "DELETE FROM result_part WHERE left(file, length($1)) = $1 AND file IS DISTINCT FROM $2",
                [prefix, kept]
            )
        }
    }
}
