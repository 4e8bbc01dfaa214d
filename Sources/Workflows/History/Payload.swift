public import Foundation

/// A value on its way through history, as JSON text in UTF-8.
public struct Payload: Sendable, Hashable {
    /// The JSON text's bytes.
    public let bytes: Data

    /// Takes JSON text as it is.
    public init(json bytes: Data) { self.bytes = bytes }

    /// Takes JSON text as it is.
    public init(json text: String) { bytes = Data(text.utf8) }

    /// Encodes with sorted keys, so that equal values give equal bytes.
    public init(encoding value: some Encodable) throws {
        bytes = value is Empty ? Self.emptyObject : try Self.encoder.encode(value)
    }

    /// The value that the JSON text holds; throws `DecodingError` when it does not fit.
    public func decode<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        if let empty = Empty() as? Value { return empty }
        return try Self.decoder.decode(type, from: bytes)
    }

    /// The JSON text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    private static let emptyObject = Data("{}".utf8)
    // One of each for all: they are configured once, here, and making one costs more than a small encode.
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
    private static let decoder = JSONDecoder()
}

extension Payload: Codable {
    /// Reads JSON text from a string.
    public init(from decoder: any Decoder) throws {
        self.init(json: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the JSON text as a string, which keeps its bytes exact.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
