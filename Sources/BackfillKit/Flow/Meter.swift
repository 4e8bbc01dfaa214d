import Workflows

/// Spaces what may pass so that a rate holds: what passes now decides when the next may (a token bucket that holds almost nothing).
///
/// Pure: instants are durations since any fixed moment.
struct Meter: Sendable {
    /// How much lateness is made up for. Waking and committing are never on time; without it the rate would fall short by each delay, and
    /// with more a second could hold that much more than its share.
    static let slack: Duration = .milliseconds(60)
    /// At most what belongs to so long a time passes at once, which makes the flow smooth below a second.
    static let grain: Duration = .milliseconds(25)

    /// How much passes in a second; more than zero.
    var perSecond: Double
    private(set) var opensAt: Duration?

    init(perSecond: Double) { self.perSecond = perSecond }

    /// How much may pass at once; a single record always may.
    var portion: Double { perSecond * Self.grain.inSeconds }

    func isOpen(at now: Duration) -> Bool { opensAt.map { $0 <= now } ?? true }

    mutating func pass(_ amount: Double, at now: Duration) {
        opensAt = max(opensAt ?? now, now - Self.slack) + .seconds(amount / perSecond)
    }

    /// Takes another rate from now on; what waited for the old one waits no longer than it.
    mutating func change(to perSecond: Double, at now: Duration) {
        if let opensAt, opensAt > now {
            self.opensAt = now + (opensAt - now) * min(1, self.perSecond / perSecond)
        }
        self.perSecond = perSecond
    }
}

/// The meters of one pace: records and bytes.
struct PaceMeter: Sendable {
    private(set) var records: Meter?
    private(set) var bytes: Meter?

    /// Whichever opens last.
    var opensAt: Duration? { [records?.opensAt, bytes?.opensAt].compactMap { $0 }.max() }

    func isOpen(at now: Duration) -> Bool {
        (records?.isOpen(at: now) ?? true) && (bytes?.isOpen(at: now) ?? true)
    }

    /// How many of so many records with so many bytes may pass at once; at least one.
    func portion(ofRecords records: Int, bytes: Int) -> Int {
        var portion = Double(records)
        if let meter = self.records { portion = min(portion, meter.portion) }
        if let meter = self.bytes, bytes > 0 { portion = min(portion, meter.portion * Double(records) / Double(bytes)) }
        return max(1, Int(portion))
    }

    mutating func pass(records: Int, bytes: Double, at now: Duration) {
        self.records?.pass(Double(records), at: now)
        self.bytes?.pass(bytes, at: now)
    }

    mutating func change(to pace: Pace, at now: Duration) {
        Self.change(&records, to: pace.records, at: now)
        Self.change(&bytes, to: pace.bytes, at: now)
    }

    private static func change(_ meter: inout Meter?, to rate: Double?, at now: Duration) {
        guard let rate else {
            meter = nil
            return
        }
        if meter == nil { meter = Meter(perSecond: rate) } else { meter?.change(to: rate, at: now) }
    }
}
