/// Finds the first row of a batch that a table refuses, taking all before it: which rows to try next, given how the last ones fared.
///
/// Rows that were taken stay taken; so each step either takes rows or narrows down where the bad one is, and a batch of n rows needs about
/// log2 n steps, or three when the table says which row it was.
struct RefusalSearch {
    /// Behind the last row that was taken.
    private(set) var end: Int
    private let all: Range<Int>
    /// The rows up to here are known to hold a bad one.
    private var failing: Int?
    /// Where the next try ends.
    private var tryEnd: Int
    /// The bad row stands at ``end``.
    private(set) var isFound = false

    init(rows: Range<Int>) {
        all = rows
        end = rows.lowerBound
        tryEnd = rows.upperBound
    }

    /// The rows to try next; nil when the bad row is found or none is left.
    var next: Range<Int>? { isFound || end == all.upperBound ? nil : end..<tryEnd }

    mutating func succeeded() {
        end = tryEnd
        if failing == end { failing = nil }
        // Behind a hint's good rows stands the suspect, alone.
        tryEnd = failing == nil ? all.upperBound : end + 1
    }

    /// - Parameter hint: the position of the row that the table named, if it named one.
    mutating func failed(hint: Int?) {
        failing = tryEnd
        if tryEnd - end == 1 {
            isFound = true
        } else if let hint, hint > end, hint < tryEnd {
            tryEnd = hint
        } else if let hint, hint == end {
            tryEnd = end + 1
        } else {
            tryEnd = end + (tryEnd - end) / 2
        }
    }
}
