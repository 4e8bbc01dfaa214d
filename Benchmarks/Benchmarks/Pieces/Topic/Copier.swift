import PubSub
import Synchronization

/// Where a copy goes; it has room for one batch.
final class Place: Sendable {
    private let bytes: Mutex<[UInt8]>

    init(messages: Int) { bytes = Mutex([UInt8](repeating: 0, count: messages * Messages.size)) }

    func take(_ messages: Messages) { bytes.withLock { messages.copy(to: &$0) } }
}

/// Takes messages the way a sink must at least: it copies them, to a place for each ordering key.
struct Copier: Subscriber {
    let places: [OrderingKey: Place]

    init(keys: [OrderingKey], messages: Int) {
        places = Dictionary(uniqueKeysWithValues: keys.map { ($0, Place(messages: messages)) })
    }

    func receive(_ delivery: Delivery<Messages>) async throws -> DeliveryOutcome {
        guard let place = places[delivery.orderingKey] else { throw NoPlace() }
        place.take(delivery.batch)
        return .acknowledged
    }
}

/// Nothing is meant to come here.
struct NoDeadLetters: DeadLetterHandler {
    func handle(_ letter: DeadLetter<Messages>) async throws { throw letter.error }
}

/// A delivery with a key that nobody publishes under.
struct NoPlace: Error {}
