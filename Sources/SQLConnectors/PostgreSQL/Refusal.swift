/// Why some rows were refused, and which of them if that is known.
struct Refusal {
    /// Position in the batch, as far as PostgreSQL named it.
    var row: Int?
    private var cause: String
    private var column: Column?
    /// The cause names it already.
    private var saysColumn = false

    private enum Column {
        case position(Int)
        case name(String)
    }

    /// Nil when the error is no refusal of a row.
    init?(_ error: any Error, in rows: Range<Int>) {
        switch error {
        case let unfit as TextCopyRows.Unfit:
            row = unfit.row
            cause = unfit.cause
            column = .position(unfit.column)
        case let failure as PostgreSQLFailure where failure.meaning == .record:
            let place = failure.copyPlace
            row = place.line.map { rows.lowerBound + $0 - 1 }
            cause = failure.text
            if let name = failure.column ?? place.column {
                column = .name(name)
                saysColumn = failure.message.contains("\"\(name)\"")
            }
        default: return nil
        }
    }

    /// Position of the column that was refused, as far as it was named.
    func column(in schema: RecordSchema) -> Int? {
        switch column {
        case .position(let index): index
        case .name(let name): schema.columns.firstIndex { $0.name.lowercased() == name.lowercased() }
        case nil: nil
        }
    }

    func rejection(of batch: RecordBatch, at position: Int, table: String) -> RecordRejected {
        let text =
            switch column {
            case .position(let index): "column \(batch.schema.columns[index].name) \(cause)"
            case .name(let name) where !saysColumn: "\(cause) (column \(name))"
            case .name, nil: cause
            }
        return RecordRejected(
            recordID: batch.key(at: position),
            ordinal: batch.firstOrdinal + Int64(position),
            cause: "table \(table): \(text)"
        )
    }
}

extension PostgreSQLFailure {
    /// The line of a COPY, and its column, that the server was at: `COPY t, line 3, column c: "…"`. Servers that speak another language
    /// word it otherwise; then nothing is found here, and the row is found by trying.
    fileprivate var copyPlace: (line: Int?, column: String?) {
        guard let context,
            let match = context.firstMatch(of: #/COPY [^,\n]+, line (\d+)(?:, column (.+?): )?/#)
        else { return (nil, nil) }
        return (Int(match.output.1), match.output.2.map(String.init))
    }
}
