/// The value of a record's key, as the end of a range of keys: a source takes it back as it gave it.
public struct RecordKey: Hashable, Sendable, CustomStringConvertible {
    /// Never NULL.
    public let value: Value

    /// Nil for NULL, which no key is.
    public init?(_ value: Value) {
        if value == .null { return nil }
        self.value = value
    }

    /// The key's text, as in record ids.
    public var description: String { value.recordID }
}

extension RecordKey: Codable {
    private enum CodingKeys: String, CodingKey { case integer, real, text, blob }

    /// One field, named for the value's type. A real is kept as text, which every real has, infinities too.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch value {
        case .null: break
        case .integer(let integer): try container.encode(integer, forKey: .integer)
        case .real(let real): try container.encode("\(real)", forKey: .real)
        case .text(let text): try container.encode(text, forKey: .text)
        case .blob(let bytes): try container.encode(bytes, forKey: .blob)
        }
    }

    /// - Throws: `DecodingError` when it holds none of the fields.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let integer = try container.decodeIfPresent(Int64.self, forKey: .integer) {
            value = .integer(integer)
        } else if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            value = .text(text)
        } else if let bytes = try container.decodeIfPresent([UInt8].self, forKey: .blob) {
            value = .blob(bytes)
        } else if let real = Double(try container.decode(String.self, forKey: .real)) {
            value = .real(real)
        } else {
            throw DecodingError.dataCorruptedError(forKey: .real, in: container, debugDescription: "not a real number")
        }
    }
}

/// A contiguous part of a query's records by their keys, in the order in which the source itself compares them.
public struct KeyRange: Hashable, Sendable {
    /// Where a range begins.
    public enum Start: Hashable, Sendable {
        /// At the smallest key.
        case beginning
        /// At this key.
        case at(RecordKey)
        /// Behind this key.
        case after(RecordKey)

        /// The key that it is said by.
        public var key: RecordKey? {
            switch self {
            case .beginning: nil
            case .at(let key), .after(let key): key
            }
        }
    }

    /// Where it begins.
    public var start: Start
    /// The first key behind it; nil when it goes on to the largest key.
    public var before: RecordKey?

    /// All records, unless more is said.
    public init(from start: Start = .beginning, before: RecordKey? = nil) {
        self.start = start
        self.before = before
    }

    /// The same range without what comes up to a key.
    public func behind(_ key: RecordKey?) -> KeyRange {
        guard let key else { return self }
        return KeyRange(from: .after(key), before: before)
    }
}

extension KeyRange: Codable {
    private enum CodingKeys: String, CodingKey { case from, after, before }

    /// `from` or `after`, and `before`; a side without an end has no field.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch start {
        case .beginning: break
        case .at(let key): try container.encode(key, forKey: .from)
        case .after(let key): try container.encode(key, forKey: .after)
        }
        try container.encodeIfPresent(before, forKey: .before)
    }

    /// - Throws: `DecodingError` when a key is none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        before = try container.decodeIfPresent(RecordKey.self, forKey: .before)
        if let key = try container.decodeIfPresent(RecordKey.self, forKey: .from) {
            start = .at(key)
        } else if let key = try container.decodeIfPresent(RecordKey.self, forKey: .after) {
            start = .after(key)
        } else {
            start = .beginning
        }
    }
}
