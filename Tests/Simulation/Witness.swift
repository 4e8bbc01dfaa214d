import PubSub
import SQLConnectors
import Synchronization
import TestSupport

import BackfillKit

/// A Swift subscriber as people write them: slow, failing, forgetting to answer, and all it keeps is which ids it was handed.
///
/// It outlives the simulated processes, as a service behind a subscriber does. No message meets more than two of its failures, so none
/// becomes a dead letter.
final class Witness: Subscriber {
    struct Unavailable: SubscriptionUnavailable {}
    struct Failed: Error {}

    private struct State {
        var dice: SplitMix64
        var taken: [String: Int] = [:]
        var calls = 0
        /// How many messages each call holds that has not answered and was not given up.
        var inFlight: [Int: Int] = [:]
        var mostInFlight = 0
        var deeds: [String: Int] = [:]
        /// The last publish and position that came for the first time, by ordering key.
        var places: [String: (publish: Int, position: Int)] = [:]
        var violations: [String] = []
    }

    static let name = "witness"
    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(dice: SplitMix64(seed: seed ^ 0x317))) }

    /// How often each record id was taken.
    var taken: [String: Int] { state.withLock(\.taken) }
    var mostInFlight: Int { state.withLock(\.mostInFlight) }
    /// What it did, and how often.
    var deeds: [String: Int] { state.withLock(\.deeds) }
    var violations: [String] { state.withLock(\.violations) }

    /// Its process is gone, and with it the topics whose numbers it has seen.
    func restart() {
        state.withLock { state in
            state.inFlight = [:]
            state.places = [:]
        }
    }

    func receive(_ delivery: Delivery<RecordMessages>) async throws -> DeliveryOutcome {
        let records = delivery.batch.records
        let ids = (0..<records.count).map { records.key(at: $0) }
        let (call, deed) = state.withLock { state in
            state.calls += 1
            state.inFlight[state.calls] = ids.count
            state.mostInFlight = max(state.mostInFlight, state.inFlight.values.reduce(0, +))
            Self.checkOrder(of: delivery, &state)
            let deed: String
            switch delivery.attempt < 3 ? state.dice.next() % 120 : 999 {
            case 0...2: deed = "unavailable"
            case 3...5: deed = "takes and fails"
            case 6: deed = "takes and never answers"
            case 7...9: deed = "names one"
            case 10...20: deed = "is slow"
            default: deed = "takes"
            }
            state.deeds[deed, default: 0] += 1
            return (state.calls, deed)
        }
        defer { state.withLock { $0.inFlight[call] = nil } }
        // Whom the topic has given up may still be at it when the messages come again.
        return try await withTaskCancellationHandler {
            try await take(ids, deed)
        } onCancel: {
            state.withLock { $0.inFlight[call] = nil }
        }
    }

    private func take(_ ids: [String], _ deed: String) async throws -> DeliveryOutcome {
        if deed == "unavailable" { throw Unavailable() }
        if deed == "is slow" { try await Task.sleep(for: .seconds(3)) }
        state.withLock { state in
            for (position, id) in ids.enumerated() where deed != "names one" || position > 0 {
                state.taken[id, default: 0] += 1
            }
        }
        switch deed {
        case "takes and fails": throw Failed()
        case "takes and never answers":
            // Beyond the ack deadline, by which the topic gives up on it.
            try await Task.sleep(for: .seconds(3600))
            return .acknowledged
        case "names one": return .failed([MessageFailure(position: 0, error: Failed())])
        default: return .acknowledged
        }
    }

    /// What comes for the first time comes in the order of publishes and positions, within a bucket.
    private static func checkOrder(of delivery: Delivery<RecordMessages>, _ state: inout State) {
        guard delivery.attempt == 1 else { return }
        let place = (delivery.publishNumber, delivery.firstPosition)
        let key = "\(delivery.topic)/\(delivery.orderingKey)"
        if let last = state.places[key], place <= last {
            state.violations.append("\(key): \(place) was delivered after \(last)")
        }
        state.places[key] = (publish: place.0, position: place.1)
    }
}
