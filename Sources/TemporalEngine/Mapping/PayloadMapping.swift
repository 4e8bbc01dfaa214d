#if Temporal
import Crypto
import Foundation
import SwiftProtobuf
import Workflows

/// Payloads as Temporal keeps them: JSON with the standard encoding's name, so that its command line and web pages show them; encrypted
/// when there is a key.
struct PayloadMapping: Sendable {
    private static let encoding = "encoding"
    private static let json = Data("json/plain".utf8)
    private static let null = Data("binary/null".utf8)
    private static let encrypted = Data("binary/encrypted".utf8)

    private let key: SymmetricKey?

    /// - Throws: ``TemporalError`` when the key has not 32 bytes.
    init(key: Data?) throws {
        if let key, key.count != 32 {
            throw TemporalError(
                "The key for payloads has \(key.count) bytes, and needs 32. Make one with: openssl rand -hex 32"
            )
        }
        self.key = key.map { SymmetricKey(data: $0) }
    }

    func wire(_ payload: Payload) throws -> WirePayload {
        var plain = WirePayload()
        plain.metadata = [Self.encoding: Self.json]
        plain.data = payload.bytes
        guard let key else { return plain }
        let sealed = try AES.GCM.seal(plain.serializedData() as Data, using: key)
        guard let combined = sealed.combined else {
            throw TemporalError("A payload could not be encrypted.")
        }
        var wire = WirePayload()
        wire.metadata = [Self.encoding: Self.encrypted]
        wire.data = combined
        return wire
    }

    func wires(_ payload: Payload) throws -> WirePayloads {
        var payloads = WirePayloads()
        payloads.payloads = [try wire(payload)]
        return payloads
    }

    func wire(encoding value: some Encodable) throws -> WirePayload { try wire(Payload(encoding: value)) }

    /// Texts by name, as a memo holds them.
    func fields(_ texts: [String: String]) throws -> WireFields {
        var wire = WireFields()
        wire.fields = try texts.mapValues { try self.wire(encoding: $0) }
        return wire
    }

    /// - Throws: ``TemporalError`` for an encoding that is not known here, or a key that does not fit.
    func payload(_ wire: WirePayload) throws -> Payload {
        switch wire.metadata[Self.encoding] {
        case Self.json: return Payload(json: wire.data)
        case Self.null, nil: return Payload(json: "null")
        case Self.encrypted:
            guard let key else {
                throw TemporalError("A payload is encrypted, and no key for payloads is given here.")
            }
            do {
                let plain = try AES.GCM.open(AES.GCM.SealedBox(combined: wire.data), using: key)
                return try payload(WirePayload(serializedBytes: plain))
            } catch is CryptoKitError {
                throw TemporalError("A payload was encrypted with another key than the one that is given here.")
            }
        case .some(let other):
            throw TemporalError(
                "A payload has the encoding \(String(decoding: other, as: UTF8.self)), which this program does not read."
            )
        }
    }

    /// The first payload; an empty object when there is none.
    func payload(_ wire: WirePayloads) throws -> Payload {
        guard let first = wire.payloads.first else { return Payload(json: "{}") }
        return try payload(first)
    }

    /// The value under a name, if there is one.
    func value<Value: Decodable>(_ type: Value.Type, named name: String, in fields: WireFields) throws -> Value? {
        guard let wire = fields.fields[name] else { return nil }
        return try JSONDecoder().decode(type, from: payload(wire).bytes)
    }
}
#endif
