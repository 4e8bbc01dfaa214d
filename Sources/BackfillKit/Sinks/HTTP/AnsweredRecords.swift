import SQLConnectors
import Synchronization

/// Which records of a batch the server has answered for: they are not sent again when the rest is.
final class AnsweredRecords: Sendable {
    private struct State {
        /// By position.
        var isTaken: [Bool]
        var refusals: [Int: RecordRejected] = [:]
    }

    /// The ordinals of the batch.
    let ordinals: Range<Int64>
    private let state: Mutex<State>

    /// - Parameter earlier: what is known of the same bucket; answers for the same ordinals are taken over.
    init(_ ordinals: Range<Int64>, earlier: AnsweredRecords?) {
        self.ordinals = ordinals
        var state = State(isTaken: [Bool](repeating: false, count: ordinals.count))
        if let earlier, earlier.ordinals.overlaps(ordinals) {
            let known = earlier.state.withLock { $0 }
            for ordinal in earlier.ordinals.clamped(to: ordinals) {
                let (old, new) = (Int(ordinal - earlier.ordinals.lowerBound), Int(ordinal - ordinals.lowerBound))
                state.isTaken[new] = known.isTaken[old]
                state.refusals[new] = known.refusals[old]
            }
        }
        self.state = Mutex(state)
    }

    /// Positions without an answer, neighbours together.
    var open: [Range<Int>] {
        let state = state.withLock { $0 }
        var runs: [Range<Int>] = []
        for position in state.isTaken.indices where !state.isTaken[position] && state.refusals[position] == nil {
            if let last = runs.last, last.upperBound == position {
                runs[runs.count - 1] = last.lowerBound..<position + 1
            } else {
                runs.append(position..<position + 1)
            }
        }
        return runs
    }

    /// Hands over the refused records, in the order of their positions, and forgets them: from now on they are the dead letters' business.
    func takeRefusals() -> [(position: Int, rejection: RecordRejected)] {
        let refusals = state.withLock { state in
            defer { state.refusals = [:] }
            return state.refusals
        }
        return refusals.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    func take(_ range: Range<Int>) {
        state.withLock { state in for position in range { state.isTaken[position] = true } }
    }

    func refuse(_ position: Int, _ rejection: RecordRejected) {
        state.withLock { $0.refusals[position] = rejection }
    }
}

/// The latest batch of each bucket, with its answers. In memory only: after a crash a batch is sent again as a whole.
final class AnswerBook: Sendable {
    private struct State {
        var latest: [String: (records: AnsweredRecords, use: Int)] = [:]
        var uses = 0
    }

    private let state = Mutex(State())
    /// Twice what executors work at once; the least recently used are forgotten.
    private static let mostBuckets = 1_000

    /// The answers for a batch: those that are known from an attempt before, and room for the others.
    func records(_ ordinals: Range<Int64>, ofBucket bucket: String) -> AnsweredRecords {
        state.withLock { state in
            state.uses += 1
            let records = AnsweredRecords(ordinals, earlier: state.latest[bucket]?.records)
            state.latest[bucket] = (records, state.uses)
            if state.latest.count > Self.mostBuckets, let oldest = state.latest.min(by: { $0.value.use < $1.value.use })
            {
                state.latest[oldest.key] = nil
            }
            return records
        }
    }
}
