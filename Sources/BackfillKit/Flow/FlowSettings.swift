/// The limits that hold now: those of the spec, as people have changed them since.
struct FlowSettings: Hashable, Sendable {
    /// For the whole run.
    var pace = Pace.unlimited
    /// For each lane.
    var lanes: [String: Pace] = [:]
    /// Batches that may be published at once; nil sets no limit.
    var concurrency: Int?
    /// How many processes share the limits; each keeps to its part of them.
    var workers = 1

    /// This process's part of how many batches may be published at once.
    var ownConcurrency: Int? { concurrency.map { max(1, $0 / workers) } }

    /// This process's part of a pace.
    func own(_ pace: Pace) -> Pace {
        let count = Double(workers)
        return Pace(records: pace.records.map { $0 / count }, bytes: pace.bytes.map { $0 / count })
    }
}

/// Why an executor could not go on with its bucket. The bucket is as it was.
public enum TurnedAway: String, Codable, Hashable, Sendable {
    /// The run is being stopped: cancelled, for a mended spec, or for too many dead letters.
    case stopped
    /// The time window is shut.
    case window
    /// It waited for so long that its attempt had better begin anew.
    case later
}

/// Why nothing moves though there is work.
enum WaitReason: Hashable, Sendable, CustomStringConvertible {
    case paused(by: String)
    case probe(name: String, answer: String)
    case pace(Pace, lane: String?)
    case concurrency(Int)
    case busy(sink: String)

    var description: String {
        switch self {
        case .paused(let person): "paused by \(person)"
        case .probe(let name, let answer): "probe \(name): \(answer)"
        case .pace(let pace, let lane): "pace of \(pace)" + (lane.map { " in lane \($0)" } ?? "")
        case .busy(let sink): "\(sink) is busy and asks to be left alone"
        case .concurrency(let limit): "at most \(limit) \(limit == 1 ? "batch" : "batches") at once"
        }
    }
}
