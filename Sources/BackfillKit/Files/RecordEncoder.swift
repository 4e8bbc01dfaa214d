import SQLConnectors

/// Turns records into lines of a file.
protocol RecordEncoder {
    /// What stands in the file before the first record.
    var header: [UInt8] { get }

    /// Appends one record with its line feed.
    ///
    /// - Parameters:
    ///   - cells: the record's cells, in the order of the schema.
    ///   - bytes: what text and blob cells point into.
    /// - Returns: the cell that the format has no form for; the buffer's content is unspecified behind its former end then.
    func append(_ cells: UnsafeBufferPointer<Cell>, _ bytes: UnsafeBufferPointer<UInt8>, to buffer: LineBuffer)
        -> UnwritableCell?
}

/// A value that a format cannot hold without quietly changing it.
struct UnwritableCell: Equatable {
    enum Reason: Equatable {
        /// NaN or an infinity.
        case notFinite
        /// Text with bytes that are not UTF-8, the first of them at this offset.
        case notUTF8(offset: Int)
    }

    var column: Int
    var reason: Reason

    /// The refusal of the record that holds the cell.
    ///
    /// - Parameter target: what has no form for it.
    func rejection(of batch: RecordBatch, at position: Int, by target: String = "a file") -> RecordRejected {
        let name = batch.schema.columns[column].name
        let cause =
            switch reason {
            case .notFinite:
                "column \(name) holds \(batch[position, column].numberText), which \(target) has no form for; select another value or NULL in its place"
            case .notUTF8(let offset):
                "column \(name) holds text that is not UTF-8 (byte \(offset + 1)); repair it in the query, or cast it to a blob"
            }
        return RecordRejected(
            recordID: batch.key(at: position),
            ordinal: batch.firstOrdinal + Int64(position),
            cause: cause
        )
    }
}

extension Value {
    fileprivate var numberText: String {
        if case .real(let real) = self { "\(real)" } else { "a number" }
    }
}
