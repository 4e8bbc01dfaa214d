@testable import SQLConnectors

extension Property {
    /// A value that a SQLite column would keep otherwise is refused; each that is not refused is kept.
    static let value = Property(name: "value") { input in
        var draw = Draw(input)
        let type = draw.choice(of: ["INTEGER", "REAL", "NUMERIC", "TEXT", "", "VARCHAR(3)", "DECIMAL(10,2)", "BLOB"])
        let isNumber = draw.byte() % 2 == 1
        var value = draw.value()
        // A NaN is no value of SQLite's, and a zero byte in a text is what it reads numbers up to.
        if case .real(let real) = value, real.isNaN { value = .null }
        let affinity = SQLiteAffinity(declaredType: type)
        let batch = one(value)
        let misfit = batch.withCells { cells, bytes in
            affinity.mayChange(cells[0]) ? affinity.misfit(cells[0], bytes, isNumber: isNumber) : nil
        }
        if let misfit {
            try require(!misfit.isEmpty, "refused without a word")
            return
        }
        let kept = try SQLiteCells.shared.kept(value, type: type)
        try require(Numbers.areSame(value, kept), "\(type) makes \(kept) of \(value)")
    }

    /// Whatever kind a PostgreSQL column has, a value is refused, or its text in COPY reads back as the value.
    static let copyText = Property(name: "copy-text") { input in
        var draw = Draw(input)
        let kinds: [PostgreSQLColumn.Kind] = [
            .other, .text(limit: nil), .text(limit: 3), .integer, .float4, .float8, .numeric(scale: nil),
            .numeric(scale: 2), .bytes,
            .date, .time(digits: 3, hasZone: false), .time(digits: 6, hasZone: true),
        ]
        let kind = draw.choice(of: kinds)
        let value = draw.value()
        let buffer = LineBuffer(capacity: 64)
        var rows = 0..<1
        do throws(TextCopyRows.Unfit) {
            try TextCopyRows(kinds: [kind]).append(&rows, of: one(value), to: buffer, pieceBytes: 1 << 20)
        } catch {
            return try require(!error.cause.isEmpty, "refused without a word")
        }
        try require(rows.isEmpty, "the row was not written")
        let line = buffer.array
        try require(line.last == UInt8(ascii: "\n"), "the line does not end")
        try require(!line.dropLast().contains(UInt8(ascii: "\n")), "a line feed within the row")
        try require(!line.contains(UInt8(ascii: "\t")), "a tab within the value")
        let text = unescaped(line.dropLast())
        switch value {
        case .null: try require(line == Array("\\N\n".utf8), "NULL is \(line)")
        case .integer(let integer): try require(text == Array("\(integer)".utf8), "\(integer) is \(text)")
        case .real(let real):
            let read = Double(String(decoding: text, as: UTF8.self).replacing("Infinity", with: "inf"))
            try require(
                read?.bitPattern == real.bitPattern || read?.isNaN == true && real.isNaN || read == real,
                "\(real) is \(text)"
            )
        case .text(let original) where kind != .bytes:
            try require(text == Array(original.utf8), "\(original.debugDescription) is \(text)")
        case .text(let original): try require(text == hexadecimal(Array(original.utf8)), "bytes are \(text)")
        case .blob(let blob): try require(text == hexadecimal(blob), "bytes are \(text)")
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        Array("\\x".utf8) + bytes.flatMap { Array((($0 < 16 ? "0" : "") + String($0, radix: 16)).utf8) }
    }

    /// As PostgreSQL reads a field of COPY's text form.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
                text.append(byte)
                continue
            }
            switch letter {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            default: text.append(letter)
            }
        }
        return text
    }

    /// Any bytes in the place of PostgreSQL's binary rows are rows, or malformed.
    static let copyBinary = Property(name: "copy-binary") { input in
        let types: [PostgreSQLWireType] = [
            .boolean, .int16, .int32, .int64, .oid, .float32, .float64, .text, .bytes, .castToText,
        ]
        var draw = Draw(input)
        let width = Int(draw.byte() % 3) + 1
        let chosen = (0..<width).map { _ in draw.choice(of: types) }
        var reader = BinaryCopyRows(types: chosen, keyIndex: 0)
        let connection = try SQLiteConnection(uri: "file::memory:")
        try connection.execute("CREATE TABLE t (a, b, c)")
        let places = (1...width).map { "?\($0)" }.joined(separator: ", ")
        let columns = ["a", "b", "c"].prefix(width).joined(separator: ", ")
        let insert = try connection.prepare("INSERT INTO t (\(columns)) VALUES (\(places))")
        do {
            while !draw.isAtEnd {
                let message = draw.bytes()
                if try message.withUnsafeBytes({ try reader.bind($0, to: insert) }) { try insert.run() }
            }
        } catch is BinaryCopyRows.Malformed {
        } catch is SQLiteFailure {}
    }

    /// Taking a query's text apart and putting it together again changes nothing.
    static let queryText = Property(name: "query-text") { input in
        let sql = String(decoding: input, as: UTF8.self)
        guard let query = try? PostgreSQLQueryText(sql) else { return }
        let text = query.replacing { ":\($0)" }
        guard let again = try? PostgreSQLQueryText(text) else {
            throw Violation(description: "\(text.debugDescription) is no query any more")
        }
        try require(again == query, "\(sql.debugDescription) reads back from \(text.debugDescription) as another")
        _ = query.parameterNames
        _ = try? PostgreSQLTableName(sql)
    }

    private static func one(_ value: Value) -> RecordBatch {
        var builder = RecordBatchBuilder(
            schema: RecordSchema(columns: [Column(name: "v")], keyIndex: 0),
            firstOrdinal: 1
        )
        builder.append(value)
        builder.endRecord()
        return builder.finish()
    }
}
