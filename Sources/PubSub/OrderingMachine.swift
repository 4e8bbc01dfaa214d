import DequeModule

/// Keeps the publishes of each ordering key in line: the first of a line may be delivered, the others wait for it. Pure.
struct OrderingMachine {
    private struct Line {
        var first: Int
        var behind: Deque<Int> = []
    }

    private var lines: [OrderingKey: Line] = [:]

    /// Whether the publish is first in the line of its key.
    mutating func join(_ publish: Int, key: OrderingKey) -> Bool {
        if lines[key]?.behind.append(publish) != nil { return false }
        lines[key] = Line(first: publish)
        return true
    }

    /// Takes a publish out of its line, and returns the one that is first in its place, if it was first.
    mutating func leave(_ publish: Int, key: OrderingKey) -> Int? {
        guard let line = lines[key] else { return nil }
        guard line.first == publish else {
            lines[key]?.behind.removeAll { $0 == publish }
            return nil
        }
        guard let next = lines[key]?.behind.popFirst() else {
            lines[key] = nil
            return nil
        }
        lines[key]?.first = next
        return next
    }

    /// Empties the line behind its first, and returns who stood there.
    mutating func dismissBehindFirst(key: OrderingKey) -> Deque<Int> {
        guard let behind = lines[key]?.behind else { return [] }
        lines[key]?.behind = []
        return behind
    }
}
