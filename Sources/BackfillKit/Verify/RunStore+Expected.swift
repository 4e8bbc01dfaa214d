import GRDB

extension RunStore {
    /// Ordinals of a query's settled records that a subscription does not hold in this query's form: its dead letters, what a later redrive
    /// or repair has published in its place, and what mended SQL has caught up.
    func unexpected(of query: StoredQuery, at subscription: String) async throws -> Set<Int64> {
        try await database.read { db in
            let ordinals = try Int64.fetchAll(
                db,
                sql: """
                    SELECT ordinal FROM dead_letter WHERE query_id = ?1 AND subscription = ?2
                    UNION
                    SELECT r.origin_ordinal FROM record_origin r JOIN query q USING (query_id) JOIN bucket b USING (query_id)
                    WHERE q.origin_id = ?1 AND q.subscription = ?2
                        AND r.ordinal >= b.first_ordinal AND r.ordinal < b.next_ordinal
                    UNION
                    SELECT r.ordinal FROM dead_letter d
                    JOIN record_origin r ON r.query_id = ?1 AND r.origin_ordinal = d.ordinal
                    JOIN query q ON q.query_id = r.query_id AND q.origin_id = d.query_id AND q.subscription = d.subscription
                    WHERE d.subscription = ?2
                    UNION
                    SELECT r.ordinal FROM query q JOIN record_origin r USING (query_id)
                    JOIN query later ON later.origin_id = q.origin_id AND later.subscription = q.subscription
                        AND later.query_id > q.query_id AND later.kind IN ('redrive', 'repair')
                    JOIN record_origin o ON o.query_id = later.query_id AND o.origin_ordinal = r.origin_ordinal
                    WHERE q.query_id = ?1 AND q.subscription = ?2
                    """,
                arguments: [query.queryID, subscription]
            )
            var absent = Set(ordinals)
            let ranges = try Row.fetchAll(
                db,
                sql: "SELECT first_ordinal, end_ordinal FROM lagging WHERE query_id = ? AND subscription = ?",
                arguments: [query.queryID, subscription]
            )
            for range in ranges {
                absent.formUnion((range["first_ordinal"] as Int64)..<(range["end_ordinal"] as Int64))
            }
            return absent
        }
    }
}
