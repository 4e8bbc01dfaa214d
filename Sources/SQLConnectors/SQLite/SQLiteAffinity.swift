import Foundation

/// What SQLite makes of values in a column, by the rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity
enum SQLiteAffinity {
    case integer
    case real
    case numeric
    case text
    /// Keeps every value as it is.
    case blob

    init(declaredType: String) {
        let type = declaredType.uppercased()
        func holds(_ parts: String...) -> Bool { parts.contains { type.contains($0) } }
        if holds("INT") {
            self = .integer
        } else if holds("CHAR", "CLOB", "TEXT") {
            self = .text
        } else if holds("BLOB") || type.isEmpty {
            self = .blob
        } else if holds("REAL", "FLOA", "DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }

    /// Whether a value of such a column could be changed quietly by being kept with this affinity; a quick look, which `misfit` decides.
    @inline(__always)
    func mayChange(_ cell: Cell) -> Bool {
        switch (self, cell.kind) {
        // A double holds whole numbers up to 2^53 exactly.
        case (.real, .integer): cell.integer.magnitude > 1 << 53
        case (.integer, .text), (.real, .text), (.numeric, .text): true
        case (.text, .real): true
        default: false
        }
    }

    /// Why SQLite would keep another value than this one; nil when it keeps it.
    ///
    /// - Parameter isNumber: whether the source declares the column as a number, so that text in it stands for one.
    func misfit(_ cell: Cell, _ bytes: UnsafeBufferPointer<UInt8>, isNumber: Bool) -> String? {
        switch cell.kind {
        case .integer:
            return Int64(exactly: Double(cell.integer)) == cell.integer
                ? nil : "holds \(cell.integer), which a REAL column cannot hold exactly"
        case .real:
            // SQLite writes 15 digits of a number that becomes text.
            var text = "\(cell.real)"
            guard let number = text.withUTF8({ DecimalText($0) }), number.digits.count > 15 else { return nil }
            return "holds \(cell.real), of which a TEXT column would keep 15 digits"
        case .text:
            let text = UnsafeBufferPointer(rebasing: bytes[cell.byteRange])
            guard let number = DecimalText(text) else {
                return isNumber ? "holds \(String(decoding: text, as: UTF8.self)), for which SQLite has no number" : nil
            }
            if number.digits.count <= 15, !number.mayBeOutOfRange { return nil }
            // Blanks around a number are no part of it.
            let written = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if self != .real, number.isWhole, Int64(written) != nil { return nil }
            guard let real = Double(written), !number.isKept(by: real) else { return nil }
            return
                "holds a number of \(number.digits.count) digits, which a number column cannot hold exactly (make it TEXT)"
        case .null, .blob: return nil
        }
    }
}
