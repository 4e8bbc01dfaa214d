/// A named SQL text of the spec.
public struct QuerySpec: Hashable, Sendable {
    /// `name`, required: letters, digits, `-` and `_`, at most 64.
    public var name: String
    /// `sql`, required: the path of a `.sql` file, or the text itself.
    public var sql: SQLText
    /// `key`, required: the column whose value is the record id.
    public var key: String
    /// `lane`: a limit shared with other queries; nil is the lane without a limit.
    public var lane: String?
    /// `error-budget`: dead letters of this query that stop the run, beside the run's own budget; nil sets no limit of its own.
    public var errorBudget: Tolerance?
    /// `parameters`: values by parameter name, without the colon. They are bound, never spliced into the text.
    public var parameters: [String: ParameterValue]
}

/// The SQL of a query and where it came from.
///
/// `sql:` names a file when its value is one line that ends in `.sql`; otherwise it is the text. Variables are replaced in the file's
/// name, never in SQL: an inline text that holds `${…}` is refused (bind a parameter instead), a file is taken as it is.
public struct SQLText: Hashable, Sendable {
    /// The text, not checked yet.
    public var text: String
    /// For error messages: the file as the spec's reader would name it, or `<spec file>:<line>:<column>`.
    public var origin: String
}

/// What a parameter of a query is bound to.
public enum ParameterValue: Hashable, Sendable {
    /// `null` or `~`.
    case null
    /// A whole number without quotes.
    case integer(Int64)
    /// Any other number without quotes.
    case real(Double)
    /// Everything else, and everything with a `${VARIABLE}` in it, whatever the variable holds.
    case text(SecretText)
}
