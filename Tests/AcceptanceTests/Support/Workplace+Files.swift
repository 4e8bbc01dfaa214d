import Foundation

extension Workplace {
    /// The objects of an NDJSON file, in an order that does not depend on which executor wrote first.
    func objects(_ name: String) throws -> [String] {
        let lines = try text(name).split(separator: "\n", omittingEmptySubsequences: false)
        // What is behind the last newline counts too: a whole file has nothing there.
        return try lines.dropLast(lines.last == "" ? 1 : 0).map { try Self.canonical(String($0)) }.sorted()
    }

    /// The objects that an NDJSON file of the source's records must have.
    func sourceObjects() async throws -> [String] {
        try await values(
            "SELECT json_object('id', id, 'name', name, 'note', note, 'score', score) FROM person",
            of: "source.sqlite",
            as: String.self
        ).map { line in
            try Self.canonical(line)
        }.sorted()
    }

    /// The same object in the same words, however a writer spells its numbers and escapes.
    static func canonical(_ line: String) throws -> String {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return String(
            decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]),
            as: UTF8.self
        )
    }

    /// Records below the header of a CSV file; newlines inside quotes do not end one.
    func recordsOfCSV(_ name: String) throws -> Int {
        var (ends, quoted) = (0, false)
        for byte in try Data(contentsOf: file(name)) {
            if byte == UInt8(ascii: "\"") { quoted.toggle() }
            if byte == UInt8(ascii: "\n"), !quoted { ends += 1 }
        }
        return ends - 1
    }
}
