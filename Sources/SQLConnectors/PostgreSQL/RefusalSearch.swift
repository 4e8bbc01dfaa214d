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
    /// The row that the table named when it first refused some. It is believed once: should it be wrong, halving decides.
    private var hint: Int?
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
        guard let failing else {
            tryEnd = all.upperBound
            return
        }
        // Behind a hint's good rows stands the suspect, alone.
        tryEnd = hint == end ? end + 1 : end + max(1, (failing - end) / 2)
    }

    /// - Parameter named: the position of the row that the table named, if it named one.
    mutating func failed(naming named: Int?) {
        if tryEnd - end == 1 {
            isFound = true
            return
        }
        if failing == nil, hint == nil, let named, end..<tryEnd ~= named {
            hint = named
            failing = tryEnd
            tryEnd = max(named, end + 1)
        } else {
            failing = tryEnd
            tryEnd = end + (tryEnd - end) / 2
        }
    }
}
