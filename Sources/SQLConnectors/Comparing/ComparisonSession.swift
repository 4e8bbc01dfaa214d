/// The blocking part of a comparison, on one connection.
///
/// Expected records go into a temporary table with the target's column types, by the code that writes them to the target; so the
/// database itself makes of them what it would make of them there, and compares like with like.
protocol ComparisonSession: AnyObject {
    /// Ends what the session is doing, from another thread.
    var interruption: @Sendable () -> Void { get }

    /// Puts records beside the table in place of those before, and takes note of their keys.
    ///
    /// - Returns: those that the table could never hold, which are left out, by their positions.
    func load(_ expected: RecordBatch) throws -> [(position: Int, kind: RecordDifference.Kind)]

    /// What is not as it should be of the records that were loaded, by position.
    ///
    /// - Parameter positions: those to look at; nil looks at all.
    func findings(among positions: [Int]?) throws -> [ComparisonFinding]

    func others(limit: Int) throws -> (count: Int64, keys: [String])
}

/// What the database counted for one expected record.
struct ComparisonFinding {
    /// Position in the batch.
    var position: Int
    /// Expected records with its key, itself among them.
    var expected: Int
    /// Rows with its key.
    var rows: Int
    /// Positions of the columns in which the row that is most like it differs.
    var columns: [Int]

    /// The finding as a person reads it.
    ///
    /// The database tells only of records that have too many rows with their key, or none that is theirs alone and the same.
    func kind(_ schema: RecordSchema) -> RecordDifference.Kind {
        if rows > expected { return .repeated(count: rows) }
        // Of several records with the key, as many as there are rows may have one; this one has none.
        if rows < expected { return .missing }
        return .changed(columns: columns.map { schema.columns[$0].name })
    }

    /// Reads the list that ``list(of:)`` makes.
    static func columns(in list: String?) -> [Int] { (list ?? "").split(separator: " ").compactMap { Int($0) } }

    /// SQL for the positions of the columns for which a condition holds: text, each with a blank before it.
    static func list(of conditions: [(column: Int, differs: String)]) -> String {
        joined(conditions.map { "CASE WHEN \($0.differs) THEN ' \($0.column)' ELSE '' END" }[...], by: " || ") ?? "''"
    }

    /// Joins SQL expressions, in parentheses that nest no deeper than they must: SQLite allows a depth of 1,000, and tables more columns.
    static func joined(_ parts: ArraySlice<String>, by sign: String) -> String? {
        guard parts.count > 1 else { return parts.first }
        let halves = [parts.prefix(parts.count / 2), parts.dropFirst(parts.count / 2)]
        return "(" + halves.compactMap { joined($0, by: sign) }.joined(separator: sign) + ")"
    }
}
