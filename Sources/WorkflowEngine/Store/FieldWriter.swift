/// Writes a flat JSON object, key by key in the order of asking: events are many, and their attributes few and of known kinds.
struct FieldWriter {
    private var text = "{"

    /// The object.
    consuming func finish() -> String {
        text.append("}")
        return text
    }

    mutating func add(_ key: StaticString, _ value: Int) {
        open(key)
        text.append(String(value))
    }

    mutating func add(_ key: StaticString, _ value: String) throws {
        open(key)
        guard value.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            text.append("\"")
            text.append(value)
            text.append("\"")
            return
        }
        text.append(try StoredJSON.text(value))
    }

    mutating func add(_ key: StaticString, encoding value: some Encodable) throws {
        add(key, json: try StoredJSON.text(value))
    }

    /// Adds JSON text as it is.
    mutating func add(_ key: StaticString, json: String) {
        open(key)
        text.append(json)
    }

    private mutating func open(_ key: StaticString) {
        text.append(text.utf8.count == 1 ? "\"" : ",\"")
        key.withUTF8Buffer { text.append(String(decoding: $0, as: UTF8.self)) }
        text.append("\":")
    }
}
