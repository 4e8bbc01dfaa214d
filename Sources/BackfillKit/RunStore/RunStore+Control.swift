import Foundation
import GRDB

/// Something that happened to a run as a whole.
public struct RunEvent: StoredRow {
    /// The run.
    public var runID: RunID
    /// Milliseconds since 1970.
    public var at: Int64
    /// `control`, `probe`, `window`, `budget`, `spec` or `redrive`.
    public var kind: String
    /// Who did it; nil when no person did.
    public var person: String?
    /// What happened.
    public var text: String
}

extension RunStore {
    /// What people have asked of a run.
    public func control(of run: RunID) async throws -> RunControl {
        try await database.read { db in try Self.control(of: run, db) }
    }

    /// Takes a command in, and writes down who gave it. A command that comes a second time changes nothing.
    ///
    /// - Returns: what holds now.
    @discardableResult
    func apply(_ command: ControlCommand, to run: RunID) async throws -> RunControl {
        try await database.write { db in
            var control = try Self.control(of: run, db)
            let text = "\(command.verb)"
            let known = try Bool.fetchOne(
                db,
                sql:
                    "SELECT EXISTS (SELECT * FROM run_event WHERE run_id = ? AND at = ? AND person = ? AND text = ?)",
                arguments: [run, command.request.at, command.request.by, text]
            )
            // Others may have been given since: whoever was taken for dead in the middle of this one must not undo them.
            if known == true { return control }
            control.apply(command)
            try Self.set(control, of: run, db)
            try Self.note("control", text, by: command.request.by, at: command.request.at, on: run, db)
            return control
        }
    }

    /// Says that a run stops itself; the first reason counts, and none of an earlier pass, which may have had other limits.
    func noteStopped(_ reason: String, _ run: RunID, pass: Int) async throws {
        let at = nowMilliseconds
        try await database.write { db in
            let present = try Int.fetchOne(db, sql: "SELECT pass FROM run WHERE run_id = ?", arguments: [run])
            guard present == pass else { return }
            var control = try Self.control(of: run, db)
            guard control.stopped == nil else { return }
            control.stopped = reason
            try Self.set(control, of: run, db)
            try Self.note("budget", "stopped: \(reason)", by: nil, at: at, on: run, db)
        }
    }

    /// A run that was stopped is carried on.
    static func forgetStop(of run: RunID, _ db: any StoreTransaction) throws {
        var control = try control(of: run, db)
        control.stopped = nil
        try set(control, of: run, db)
    }

    private static func set(_ control: RunControl, of run: RunID, _ db: any StoreTransaction) throws {
        try db.execute(
            sql: "UPDATE run SET control = ? WHERE run_id = ?",
            arguments: [try control.databaseJSON(), run]
        )
    }

    /// Writes down what happened to a run.
    func note(_ kind: String, _ text: String, by person: String? = nil, on run: RunID) async throws {
        let at = nowMilliseconds
        try await database.write { db in try Self.note(kind, text, by: person, at: at, on: run, db) }
    }

    /// Says why the whole run waits; nil when it does not.
    func noteWaiting(_ reason: String?, on run: RunID) async throws {
        let at = nowMilliseconds
        try await database.write(.unsynced) { db in
            try db.execute(
                sql:
                    "UPDATE run SET waiting = ?, waiting_since = ? WHERE run_id = ? AND coalesce(waiting, '') <> coalesce(?1, '')",
                arguments: [reason, reason == nil ? nil : at, run]
            )
        }
    }

    /// What happened to a run, oldest first; the last `limit` of it.
    public func events(of run: RunID, limit: Int) async throws -> [RunEvent] {
        try await database.read { db in
            try RunEvent.fetchAll(
                db,
                sql: "SELECT * FROM run_event WHERE run_id = ? ORDER BY number DESC LIMIT ?",
                arguments: [run, limit]
            ).reversed()
        }
    }

    private static func control(of run: RunID, _ db: any StoreTransaction) throws -> RunControl {
        let text = try String.fetchOne(
            db,
            sql: "SELECT control FROM run WHERE run_id = ?",
            arguments: [run]
        )
        return try JSONDecoder().decode(RunControl.self, from: Data((text ?? "{}").utf8))
    }

    static func note(
        _ kind: String,
        _ text: String,
        by person: String?,
        at: Int64,
        on run: RunID,
        _ db: any StoreTransaction
    )
        throws
    {
        try db.execute(
            sql: "INSERT INTO run_event (run_id, at, kind, person, text) VALUES (?, ?, ?, ?, ?)",
            arguments: [run, at, kind, person, text]
        )
    }
}
