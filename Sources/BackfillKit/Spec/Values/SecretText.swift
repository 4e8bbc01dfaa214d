/// Text that may hold a secret. Printing, interpolating, dumping or logging it shows the redacted form.
public struct SecretText: Hashable, Sendable {
    /// The text itself, variables replaced. Hand it to what needs it and to nothing that stores or prints.
    public var secret: String
    /// The text as written, with `${VARIABLES}` in place and passwords starred out.
    public var redacted: String
}

extension SecretText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The redacted form.
    public var description: String { redacted }

    /// The redacted form, quoted.
    public var debugDescription: String { redacted.debugDescription }

    /// Shows the redacted form only: without it, `dump` and the default description of an enclosing value would show the secret.
    public var customMirror: Mirror { Mirror(self, children: ["redacted": redacted]) }
}
