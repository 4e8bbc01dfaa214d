/// Statements that a person has written to be run as they are.
public struct SQLScript: Sendable {
    /// What it is called in error texts.
    public var name: String
    /// One statement or several.
    public var sql: String
    /// Where the text comes from, for error texts: a file, or a place in the spec.
    public var origin: String

    /// Names a script.
    public init(name: String, sql: String, origin: String) {
        self.name = name
        self.sql = sql
        self.origin = origin
    }
}

/// A database that scripts are run on.
public protocol ScriptDatabase: Sendable {
    /// Runs a script once in effect: its statements and a row in the database's ledger are one transaction, so that a repeated call, after
    /// a crash say, finds it done and does nothing.
    ///
    /// - Parameter key: whose script it is; one key, one effect.
    /// - Throws: ``ScriptError`` when the script is at fault, ``TargetUnavailable`` when the database is.
    func runOnce(_ script: SQLScript, as key: LedgerKey) async throws
}

/// A script cannot be run as it is. No retry mends it.
public struct ScriptError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, where, and what to do.
    public let description: String

    init(_ script: SQLScript, _ message: String) { description = "\(script.origin): \(script.name): \(message)" }

    static func ownTransaction(_ script: SQLScript) -> ScriptError {
        ScriptError(
            script,
            "the script begins or ends a transaction of its own. Leave that out: it runs in one anyway."
        )
    }
}
