import Foundation
import HeapModule

/// What is due when: earliest first, and in the order of asking for equal dates.
struct DeadlineQueue<Action> {
    /// Names an entry.
    typealias ID = Int

    private struct Entry: Comparable {
        var date: Date
        var id: ID

        static func < (one: Entry, other: Entry) -> Bool { (one.date, one.id) < (other.date, other.id) }
        static func == (one: Entry, other: Entry) -> Bool { one.id == other.id }
    }

    private var heap = Heap<Entry>()
    private var actions: [ID: Action] = [:]
    private var lastID = 0

    mutating func add(at date: Date, _ action: Action) -> ID {
        lastID += 1
        heap.insert(Entry(date: date, id: lastID))
        actions[lastID] = action
        return lastID
    }

    /// Forgets an entry; its place in the heap goes when it comes to the front, or when most places are empty.
    mutating func remove(_ id: ID) {
        guard actions.removeValue(forKey: id) != nil else { return }
        guard heap.count > 2 * actions.count + 64 else { return }
        heap = Heap(heap.unordered.filter { actions[$0.id] != nil })
    }

    /// The earliest date that something is due.
    mutating func nextDate() -> Date? {
        while let first = heap.min, actions[first.id] == nil { heap.removeMin() }
        return heap.min?.date
    }

    /// Takes the earliest entry that is due at `now`.
    mutating func takeDue(at now: Date) -> Action? {
        guard let date = nextDate(), date <= now else { return nil }
        return actions.removeValue(forKey: heap.removeMin().id)
    }
}
