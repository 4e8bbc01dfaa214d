import Foundation
import GRDB
import WorkflowEngine
import Workflows

import BackfillKit
import SQLConnectors

/// Looks at the stores while a simulated process is at work: a checkpoint never runs ahead of a table's ledger, a history never ahead of the
/// checkpoints, and never beyond its limit.
///
/// Sendable though the compiler cannot see it: a scenario is simulated on one thread.
final class LiveCheck: @unchecked Sendable {
    private let world: World
    private let disk: SimulatedDisk
    /// It was paused or cancelled before this process began.
    private let beganHeld: Bool
    /// By sink.
    private var readers: [String: LedgerReader] = [:]
    private(set) var violations: [String] = []

    init(_ world: World, _ disk: SimulatedDisk) throws {
        (self.world, self.disk) = (world, disk)
        beganHeld = try Self.isHeld(world)
    }

    private static func isHeld(_ world: World) throws -> Bool {
        let control = try world.read { db in
            try String.fetchOne(db.cachedStatement(sql: "SELECT control FROM run"))
        }
        return control?.contains(#""paused""#) == true || control?.contains(#""cancelled""#) == true
    }

    /// To be called at each moment around a write.
    func look(_ moment: String) {
        if beganHeld, moment == "before a commit of a table", (try? Self.isHeld(world)) == true {
            violations.append("at work: published though the run was paused or cancelled before")
        }
        // Redriven dead letters leave a checkpoint behind which nothing says any more that they were refused.
        // And where nothing may grow, a log's index cannot be opened.
        guard moment == "after a write of the run store", !world.isTargetMended, !disk.isFull else { return }
        do {
            try checkLedgers()
        } catch {
            violations.append("the stores cannot be read: \(error)")
        }
    }

    private func checkLedgers() throws {
        let rows = try world.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT q.run_id, b.query_id || '/' || b.number, b.next_ordinal, coalesce(q.subscription, '')
                        FROM bucket b JOIN query q USING (query_id)
                        WHERE b.next_ordinal > b.first_ordinal AND q.kind <> 'superseded'
                        """
                )
            )
        }
        guard let run = rows.first?[0] as String? else { return }
        for (table, database) in [
            ("customers", world.upsertDatabase), (world.scenario.appendTable, world.appendDatabase),
        ] {
            let sink = world.subscription(table, database)
            let ledger = try reader(sink, table, database).ledger(of: RunID(rawValue: run)) ?? [:]
            for row in rows where ["", sink].contains(row[3] as String) {
                let (key, next): (String, Int) = (row[1], row[2])
                let taken = ledger[key] ?? 0
                guard taken < next else { continue }
                // Only dead letters let it pass.
                let letters = try world.read { db in
                    try Int.fetchOne(
                        db.cachedStatement(
                            sql: """
                                SELECT count(*) FROM dead_letter d JOIN bucket b ON d.ordinal >= max(?2, b.first_ordinal)
                                WHERE b.query_id || '/' || b.number = ?1 AND d.subscription = ?4 AND d.ordinal < ?3
                                    AND d.query_id = b.query_id OR d.failed_in = b.query_id AND d.subscription = ?4
                                """
                        ),
                        arguments: [key, taken, next, sink]
                    ) ?? 0
                }
                if letters == 0 {
                    violations.append(
                        "at work: the checkpoint \(next) of bucket \(key) is ahead of \(sink), at \(taken)"
                    )
                }
            }
        }
    }

    private func reader(_ sink: String, _ table: String, _ database: URL) throws -> LedgerReader {
        if let known = readers[sink] { return known }
        let fresh = LedgerReader(
            table,
            on: try SQLConnectors.SQLiteConnection(
                uri: SQLConnectors.SQLiteConnection.uri(database.path, mode: "rw")
            )
        )
        readers[sink] = fresh
        return fresh
    }

    /// What somebody else has seen.
    func note(_ violation: String) { violations.append("at work: \(violation)") }

    /// To be called with what is about to be committed to the histories.
    func look(at writes: [StoreWrite]) {
        for case .append(let execution, let events) in writes {
            if let last = events.last, last.id > Scenario.historyLimit {
                violations.append("at work: the history of \(execution) reaches \(last.id) events")
            }
            for event in events {
                guard case .activityTaskCompleted(_, _, let result) = event.attributes,
                    let cursor = try? result.decode(as: BucketCursor.self), let next = cursor.nextOrdinal
                else { continue }
                let (query, number) = (cursor.bucket.queryID, cursor.bucket.number)
                let stored = try? world.read { db in
                    try Int64.fetchOne(
                        db.cachedStatement(sql: "SELECT next_ordinal FROM bucket WHERE query_id = ? AND number = ?"),
                        arguments: [query, number]
                    )
                }
                if next > stored ?? 0 {
                    violations.append("at work: a history's cursor \(next) is ahead of the checkpoint \(stored ?? 0)")
                }
            }
        }
    }

    func close() { readers = [:] }
}
