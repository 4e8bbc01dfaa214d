/// Asked every few seconds while a run publishes; while one of them says no, or cannot be asked, nothing is published.
public struct ProbeSpec: Hashable, Sendable {
    /// What is asked.
    public enum Question: Hashable, Sendable {
        /// `sql`, `on`: yes when the first column of the first row is true or a number other than 0; no row is a no.
        case sql(SQLText, on: ConnectionString)
        /// `http`: a GET that is answered with 200…299 is a yes.
        case http(SecretText)
        /// `replication-lag`, `on`: yes while no standby of the PostgreSQL server is further behind than that.
        case replicationLag(Duration, on: ConnectionString)
        /// `active-connections`, `on`: yes while at most so many other sessions are active on the PostgreSQL server.
        case activeConnections(Int, on: ConnectionString)
        /// `long-transactions`, `on`: yes while no other session's transaction on the PostgreSQL server is open for longer.
        case longTransactions(Duration, on: ConnectionString)
    }

    /// `name`: what it is called in `stats` and logs; by default what it asks.
    public var name: String
    /// What is asked.
    public var question: Question
    /// `every`: how often, 1 s at least; 5 s unless given. After a no the time doubles, up to four times.
    public var every: Duration
    /// `timeout`: an answer that takes longer is a no; 5 s unless given.
    public var timeout: Duration
}
