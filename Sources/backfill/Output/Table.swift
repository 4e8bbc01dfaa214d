import TextTable

/// A plain table: the header, a line, the rows; figures to the right.
enum Table {
    /// One column: its title, whether it holds figures, and how a row shows in it.
    struct Field<Row> {
        var title: String
        var isFigure: Bool
        var text: (Row) -> String

        static func text(_ title: String, _ text: @escaping (Row) -> String) -> Field {
            Field(title: title, isFigure: false, text: text)
        }

        static func figure(_ title: String, _ text: @escaping (Row) -> String) -> Field {
            Field(title: title, isFigure: true, text: text)
        }
    }

    static func render<Row>(_ rows: [Row], _ fields: [Field<Row>]) -> String {
        let table = TextTable<Row> { row in
            fields.map { field in
                Column(title: field.title, value: field.text(row), align: field.isFigure ? .right : .left)
            }
        }
        let lines = (table.string(for: rows) ?? "").split(separator: "\n")
        return lines.map { line in String(line.reversed().drop(while: { $0 == " " }).reversed()) }.joined(
            separator: "\n"
        )
    }
}
