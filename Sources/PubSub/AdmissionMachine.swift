import DequeModule

/// Decides which publishes a topic holds and which wait for room, first come first served. Pure: it holds numbers only.
struct AdmissionMachine {
    /// What a publish weighs against the high watermark.
    struct Weight: Equatable {
        var messages: Int
        var bytes: Int
    }

    private struct Request {
        var publish: Int
        var weight: Weight
    }

    private let limit: Weight
    private(set) var held = Weight(messages: 0, bytes: 0)
    private var holding = 0
    private var queue: Deque<Request> = []

    init(options: TopicOptions) {
        limit = Weight(messages: max(1, options.highWatermarkMessages), bytes: max(1, options.highWatermarkBytes))
    }

    /// The publishes without room yet, in the order in which they came.
    var waiting: [Int] { queue.map(\.publish) }

    /// Whether the publish is held from now on; otherwise it waits. Nobody overtakes: while others wait, it waits too,
    /// even if it would fit.
    mutating func request(_ publish: Int, _ weight: Weight) -> Bool {
        guard queue.isEmpty, hasRoom(for: weight) else {
            queue.append(Request(publish: publish, weight: weight))
            return false
        }
        hold(weight)
        return true
    }

    /// Takes back the room of a publish that is held, and returns those that are held in its place, in their order.
    mutating func release(_ weight: Weight) -> [Int] {
        held.messages -= weight.messages
        held.bytes -= weight.bytes
        holding -= 1
        return admitWaiting()
    }

    /// Takes a waiting publish out of the queue; nil when it does not wait. Returns those it kept waiting that are held
    /// from now on.
    mutating func withdraw(_ publish: Int) -> [Int]? {
        guard let index = queue.firstIndex(where: { $0.publish == publish }) else { return nil }
        queue.remove(at: index)
        return admitWaiting()
    }

    private mutating func admitWaiting() -> [Int] {
        var admitted: [Int] = []
        while let first = queue.first, hasRoom(for: first.weight) {
            queue.removeFirst()
            hold(first.weight)
            admitted.append(first.publish)
        }
        return admitted
    }

    /// An empty topic takes anything: a batch beyond the watermark would wait for ever otherwise.
    private func hasRoom(for weight: Weight) -> Bool {
        if holding == 0 { return true }
        // Differences, as sums could overflow for limits near Int.max.
        return weight.messages <= limit.messages - held.messages && weight.bytes <= limit.bytes - held.bytes
    }

    private mutating func hold(_ weight: Weight) {
        held.messages += weight.messages
        held.bytes += weight.bytes
        holding += 1
    }
}
