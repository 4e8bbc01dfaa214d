/// A step before the first record of a run or after its last one.
public struct HookSpec: Hashable, Sendable {
    /// When a hook runs; in the spec the key it stands under.
    public enum Moment: String, Hashable, Sendable, CaseIterable {
        /// Once in a run, before sinks are checked: it may make what they need.
        case before
        /// At the end of each pass (a start or a resume), however it went.
        case after
        /// Behind `after`, when the run is complete.
        case onSuccess = "on-success"
        /// Behind `after`, when it is not.
        case onFailure = "on-failure"
    }

    /// What a hook does.
    public enum Action: Hashable, Sendable {
        /// `sql`, `on`: runs statements on a database, in one transaction.
        case sql(SQLText, on: ConnectionString)
        /// `post`: sends the report as JSON to an `http://` or `https://` URL.
        case post(SecretText)
    }

    /// When it runs.
    public var moment: Moment
    /// Its place among the hooks of the moment, from 1.
    public var number: Int
    /// What it does.
    public var action: Action

    /// How histories, ledgers and error texts call it, such as `after/1`.
    public var name: String { "\(moment.rawValue)/\(number)" }
}
