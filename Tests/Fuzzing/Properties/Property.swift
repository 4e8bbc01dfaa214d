/// Something that must hold for every input: what the fuzzer tries to break, and what the test of the corpus repeats.
struct Property: Sendable {
    /// Names the property, and its folder in the corpus.
    let name: String
    /// - Throws: ``Violation``, or whatever else an input must not bring about.
    let check: @Sendable (_ input: [UInt8]) async throws -> Void

    static let all = [
        spec, connection, quantity, window, variable, correlation, key, plan, value, copyText, copyBinary, queryText,
        line, event, batch, journal,
        staged, ledger, deadLetter, retryAfter, address,
    ]
}

/// A property does not hold.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

/// - Throws: ``Violation`` with the message unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw Violation(description: message()) }
}

/// - Throws: ``Violation`` with the message when there is no value.
func require<Value>(_ value: Value?, _ message: @autoclosure () -> String) throws -> Value {
    guard let value else { throw Violation(description: message()) }
    return value
}
