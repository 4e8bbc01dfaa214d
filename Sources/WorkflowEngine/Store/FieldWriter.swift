/// Writes a flat JSON object, key by key in the order of asking: events are many, and their attributes few and of known kinds.
struct FieldWriter {
    private var bytes: [UInt8]
    private var isEmpty = true

    /// Writes at the end of `bytes`, which it keeps until it has finished.
    init(atEndOf bytes: inout [UInt8]) {
        self.bytes = []
        swap(&self.bytes, &bytes)
        self.bytes.append(UInt8(ascii: "{"))
    }

    /// Closes the object and gives the bytes back.
    mutating func finish(in bytes: inout [UInt8]) {
        self.bytes.append(UInt8(ascii: "}"))
        swap(&self.bytes, &bytes)
    }

    mutating func add(_ key: StaticString, _ value: Int) { add(key, json: String(value)) }

    mutating func add(_ key: StaticString, _ value: String) throws {
        guard !value.utf8.contains(where: Self.needsEscape) else {
            return add(key, json: try StoredJSON.text(value))
        }
        open(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ key: StaticString, encoding value: some Encodable) throws {
        add(key, json: try StoredJSON.text(value))
    }

    /// Adds JSON text as it is.
    mutating func add(_ key: StaticString, json: String) {
        open(key)
        bytes.append(contentsOf: json.utf8)
    }

    private mutating func open(_ key: StaticString) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < UInt8(ascii: " ") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }
}
