/// A signal's name, with the type that it carries.
public struct SignalName<Value: Codable & Sendable>: Sendable, Hashable {
    /// The name that histories hold.
    public let name: String

    /// Names a signal; sender and workflow must use the same name and type.
    public init(_ name: String) { self.name = name }
}

/// A query's name, with the types that it asks with and answers with.
public struct QueryName<Parameter: Codable & Sendable, Answer: Codable & Sendable>: Sendable, Hashable {
    /// The name that the workflow registered its handler under.
    public let name: String

    /// Names a query; asker and workflow must use the same name and types.
    public init(_ name: String) { self.name = name }
}
