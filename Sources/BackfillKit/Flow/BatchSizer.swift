import Workflows

/// Finds the batch size at which a batch takes about as long as it should. Pure.
struct BatchSizer: Sendable {
    private let target: BatchTarget?
    private(set) var records: Int

    /// At most this factor in one step: a single odd measurement must not throw the size far off.
    private static let largestStep = 2.0

    init(_ bounds: BatchBounds) {
        target = bounds.target
        records = bounds.target.map { min(max(bounds.records, $0.minimum), $0.maximum) } ?? bounds.records
    }

    /// Takes a batch's measure: `count` records took `duration`.
    mutating func measured(_ count: Int, took duration: Duration) {
        // A batch that was cut short by a bucket's end or by a pace says nothing of full ones.
        guard let target, count >= records else { return }
        let ratio = target.duration.inSeconds / max(duration.inSeconds, 1e-6)
        // The root damps: sizes close in on the target instead of swinging around it.
        let step = min(max(ratio.squareRoot(), 1 / Self.largestStep), Self.largestStep)
        // From the size that was measured, not from the present one: batches of other executors that began with the same size then say
        // the same once more, instead of changing it once each. Away from a single record, which no rounding to the nearest leaves.
        let size = (Double(count) * step).rounded(step > 1 ? .up : .toNearestOrAwayFromZero)
        records = min(max(Int(size), target.minimum), target.maximum)
    }
}
