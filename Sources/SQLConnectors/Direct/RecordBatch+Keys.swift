import Checksum

extension RecordBatch {
    /// The key of a record (position from 0).
    ///
    /// - Throws: ``SourceError`` when it is text that no range can be said by: bytes that are not UTF-8.
    public func exactKey(at row: Int) throws -> RecordKey {
        let value = self[row, schema.keyIndex]
        if case .text(let text) = value {
            let isExact = withCells { cells, bytes in
                let cell = cells[row * schema.columns.count + schema.keyIndex]
                return text.utf8.elementsEqual(bytes[cell.byteRange])
            }
            if !isExact { throw UnreadableKey.error(schema.keyName, text) }
        }
        guard let key = RecordKey(value) else {
            throw SourceError(
                "The key column \(schema.keyName) is NULL in a record that came while the run was under way. Every record needs a key: leave such rows out in the SQL."
            )
        }
        return key
    }

    /// XXH64 over the keys in their order, with their types: two batches with the same one and the same count hold the same keys.
    public var keyChecksum: UInt64 {
        var checksum = Checksum()
        let (width, key) = (schema.columns.count, schema.keyIndex)
        withCells { cells, bytes in
            // Hashed by blocks: a call for each key would cost more than the hash.
            var block: [UInt8] = []
            block.reserveCapacity(count * 17)
            for row in 0..<count {
                let cell = cells[row * width + key]
                block.append(cell.kind.rawValue)
                switch cell.kind {
                case .null: break
                case .integer, .real: withUnsafeBytes(of: cell.bits.littleEndian) { block.append(contentsOf: $0) }
                case .text, .blob:
                    withUnsafeBytes(of: cell.length.littleEndian) { block.append(contentsOf: $0) }
                    block.append(contentsOf: bytes[cell.byteRange])
                }
            }
            block.withUnsafeBytes { checksum.update($0) }
        }
        return checksum.finish()
    }
}

/// Text that cannot be given back to the source as it came.
enum UnreadableKey {
    static func error(_ column: String, _ shown: String) -> SourceError {
        SourceError(
            "The key \(shown) in the column \(column) is text with bytes that are not UTF-8, so no range can be said by it. Choose another key, or take `stage: direct` out."
        )
    }
}
