import Foundation

extension TimeWindow {
    /// How far ahead the end of a piece of work is looked for.
    private static let horizon: TimeInterval = 10 * 366 * 86_400

    /// When a piece of work is through that goes on only while one of the windows is open.
    ///
    /// - Parameter seconds: how long it takes without windows.
    /// - Returns: at the latest about ten years from now, however much is left then.
    static func end(ofWork seconds: Double, in windows: [TimeWindow], from start: Date) -> Date {
        var (now, left) = (start, seconds)
        while now.timeIntervalSince(start) < horizon {
            switch standing(of: windows, at: now) {
            case .open(nil): return now.addingTimeInterval(left)
            case .open(let closing?):
                let span = closing.timeIntervalSince(now)
                if left <= span { return now.addingTimeInterval(left) }
                left -= span
                now = closing
            case .closed(let opening): now = opening
            }
        }
        return now
    }
}
