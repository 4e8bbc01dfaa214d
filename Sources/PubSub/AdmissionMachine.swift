import DequeModule

/// Who may enter a bounded place, as a pure machine: first in, first out against a limit of messages and bytes, and never two of one key.
struct AdmissionMachine {
    /// One who wants to enter.
    struct Entry {
        var id: Int
        var key: String
        var messages: Int
        var bytes: Int
    }

    /// What is to do for those who were let in.
    typealias Admitted = [Int]

    private let messageLimit: Int
    private let byteLimit: Int
    private var messages = 0
    private var bytes = 0
    private var inside: [Int: Entry] = [:]
    private var keysInside: Set<String> = []
    private var waiting: Deque<Entry> = []

    init(messageLimit: Int, byteLimit: Int) {
        self.messageLimit = messageLimit
        self.byteLimit = byteLimit
    }

    var isEmpty: Bool { inside.isEmpty }
    var waitingIDs: [Int] { waiting.map(\.id) }

    /// Asks to enter.
    ///
    /// - Returns: whether it is in at once; otherwise it waits.
    mutating func enter(_ entry: Entry) -> Bool {
        if waiting.isEmpty, !keysInside.contains(entry.key), hasRoom(for: entry) {
            take(entry)
            return true
        }
        waiting.append(entry)
        return admit().contains(entry.id)
    }

    /// Leaves, from inside or from the queue.
    ///
    /// - Returns: who is let in now.
    mutating func leave(_ id: Int) -> Admitted {
        if let entry = inside.removeValue(forKey: id) {
            messages -= entry.messages
            bytes -= entry.bytes
            keysInside.remove(entry.key)
        } else {
            waiting.removeAll { $0.id == id }
        }
        return admit()
    }

    /// Lets in from the front. One whose key is inside is passed over, since it would only take room; one that does not fit holds up
    /// those behind it, so that a large one is not overtaken for ever.
    private mutating func admit() -> Admitted {
        var admitted: Admitted = []
        var passedOver: Set<String> = []
        var index = 0
        while index < waiting.count {
            let entry = waiting[index]
            if keysInside.contains(entry.key) || passedOver.contains(entry.key) {
                passedOver.insert(entry.key)
                index += 1
                continue
            }
            guard hasRoom(for: entry) else { break }
            waiting.remove(at: index)
            take(entry)
            admitted.append(entry.id)
        }
        return admitted
    }

    private func hasRoom(for entry: Entry) -> Bool {
        inside.isEmpty || (messages + entry.messages <= messageLimit && bytes + entry.bytes <= byteLimit)
    }

    private mutating func take(_ entry: Entry) {
        messages += entry.messages
        bytes += entry.bytes
        inside[entry.id] = entry
        keysInside.insert(entry.key)
    }
}
