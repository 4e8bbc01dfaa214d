import DequeModule

/// What the topic's machine knows of one subscription.
struct SubscriptionState {
    /// A delivery that has no answer yet.
    struct InFlight {
        var publish: Int
        var messages: Int
        var deadline: Duration?
    }

    let name: String
    let options: SubscriptionOptions
    var counters = SubscriptionCounters()
    /// Becomes text when somebody asks, outside the topic's lock: a description is foreign code.
    var lastError: (any Error)?
    var ordering = OrderingMachine()
    /// Publishes whose next step may be taken as soon as there is a place.
    var ready: Deque<Int> = []
    /// By the delivery's number. One that is missing here has expired: its answer comes too late.
    var inFlight: [Int: InFlight] = [:]
    /// Publishes of which a delivery is in flight or a dead letter is being kept.
    var busy = 0

    init(name: String, options: SubscriptionOptions) {
        self.name = name
        self.options = options
    }

    /// The counters with the text of the latest error.
    var report: SubscriptionCounters {
        var report = counters
        report.lastError = lastError.map { "\($0)" }
        return report
    }

    var hasPlace: Bool { busy < max(1, options.maximumConcurrentDeliveries) }
}
