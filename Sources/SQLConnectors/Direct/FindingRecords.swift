extension DirectSource {
    /// The record with this record id as it is at the source now; nil when there is none.
    ///
    /// - Throws: ``SourceError``, ``SourceUnavailable``.
    public func find(_ query: SourceQuery, recordID: String) async throws -> RecordBatch? {
        let schema = try await check(query)
        let isBytes = schema.columns[schema.keyIndex].declaredType == "bytea"
        let candidates: [Value?] =
            switch schema.dialect {
            // PostgreSQL reads every type from its text.
            case .postgresql: [isBytes ? Self.bytes(ofHexadecimal: recordID) : .text(recordID)]
            // For SQLite '7', 7 and x'37' are all different keys.
            case .sqlite:
                [
                    Int64(recordID).map(Value.integer), Double(recordID).map(Value.real), .text(recordID),
                    Self.bytes(ofHexadecimal: recordID),
                ]
            }
        for key in candidates.compactMap({ $0 }).compactMap(RecordKey.init) {
            let record = try await read(query, KeyRange(from: .at(key))).next(
                from: 1,
                limit: BatchLimit(records: 1, bytes: .max)
            )
            if record.count == 1, record.key(at: 0) == recordID { return record }
        }
        return nil
    }

    private static func bytes(ofHexadecimal text: String) -> Value? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return .blob(bytes)
    }
}
