@testable import WorkflowEngine
@testable import Workflows

extension Property {
    /// Any row is an event or an error; an event that was read is written as a row that reads as the same event.
    static let event = Property(name: "event") { input in
        // Three lines: the type, the attributes, and the payload if there is one.
        let lines = String(decoding: input, as: UTF8.self).split(
            separator: "\n",
            maxSplits: 2,
            omittingEmptySubsequences: false
        )
        let row = EventRow(
            type: String(lines[0]),
            attributes: lines.count > 1 ? String(lines[1]) : "{}",
            payload: lines.count > 2 ? String(lines[2]) : nil
        )
        guard let event = try? row.decoded() else { return }
        try require(event.type == row.type, "a row of \(row.type) is an event \(event.type)")
        let written = try EventRow(event)
        let again = try written.decoded()
        try require(again == event, "\(written) is \(again), was \(event)")
        let stable = try EventRow(again)
        try require(stable == written, "\(written) is written as \(stable) the next time")
    }
}
