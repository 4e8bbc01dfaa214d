import GRDB

/// A dead letter behind which no checkpoint has passed yet: of a batch that was broken off.
struct UnpassedLetter: StoredRow {
    /// The query that it is kept under.
    var queryID: QueryID
    /// The record's ordinal there.
    var ordinal: Int64
    var subscription: String
    /// The query, redrive or repair whose message was refused.
    var failedIn: QueryID
    /// The record's ordinal and bucket in that.
    var ownOrdinal: Int64
    var ownBucket: Int
}

extension RunStore {
    /// The dead letters of batches that were broken off.
    func unpassedLetters(of run: RunID) async throws -> [UnpassedLetter] {
        try await database.read { db in
            try UnpassedLetter.fetchAll(
                db,
                sql: """
                    SELECT d.query_id, d.ordinal, d.subscription, d.query_id AS failed_in, d.ordinal AS own_ordinal,
                        b.number AS own_bucket
                    FROM dead_letter d JOIN bucket b ON b.query_id = d.query_id AND b.number = d.bucket
                    WHERE d.run_id = ?1 AND d.discarded_at IS NULL AND d.ordinal >= b.next_ordinal
                        AND coalesce(d.failed_in, d.query_id) = d.query_id
                    UNION ALL
                    SELECT d.query_id, d.ordinal, d.subscription, r.query_id, r.ordinal, b.number
                    FROM dead_letter d JOIN record_origin r ON r.query_id = d.failed_in AND r.origin_ordinal = d.ordinal
                    JOIN bucket b ON b.query_id = r.query_id AND r.ordinal >= b.next_ordinal AND r.ordinal < b.end_ordinal
                    WHERE d.run_id = ?1 AND d.discarded_at IS NULL AND d.failed_in <> d.query_id
                    """,
                arguments: [run]
            )
        }
    }

    /// Forgets that records were refused which are about to be delivered once more: they are refused again, or they arrive.
    func forget(_ letters: [UnpassedLetter]) async throws {
        guard !letters.isEmpty else { return }
        try await database.write { db in
            for letter in letters {
                let key: StoreArguments = [letter.queryID, letter.ordinal, letter.subscription]
                let place = "WHERE query_id = ? AND ordinal = ? AND subscription = ?"
                let isOwn = letter.failedIn == letter.queryID
                try db.execute(
                    sql: isOwn
                        ? "DELETE FROM dead_letter \(place)" : "UPDATE dead_letter SET failed_in = NULL \(place)",
                    arguments: key
                )
            }
        }
    }
}
