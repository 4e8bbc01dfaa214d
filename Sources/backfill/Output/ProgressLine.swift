import BackfillKit
import Foundation
import Rainbow

/// How a run's progress reads in one line: the live bar of a terminal, and the plain line of a log.
enum ProgressLine {
    /// The bar with per cent, counts, rate and time left, at most `columns` wide.
    static func bar(_ progress: RunProgress, waiting: String?, columns: Int) -> String {
        let text = figures(progress, waiting: waiting)
        let width = max(10, min(40, columns - text.count - 4))
        let share = (progress.perCent ?? 0) / 100
        let filled = min(width, Int((share * Double(width)).rounded(.down)))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let room = max(0, columns - width - 3)
        return " " + bar.green + " " + String(text.prefix(room))
    }

    /// The same without the bar.
    static func plain(_ progress: RunProgress, waiting: String?) -> String {
        "\(progress.runID) \(figures(progress, waiting: waiting))"
    }

    private static func figures(_ progress: RunProgress, waiting: String?) -> String {
        guard let records = progress.records, let perCent = progress.perCent else {
            return "extracting: \(Figures.count(progress.extracted)) records read"
        }
        var parts = [
            "\(Figures.perCent(perCent)) · \(Figures.count(progress.published)) of \(Figures.count(records)) records",
            "\(Figures.rate(progress.rateNow))",
        ]
        if let left = progress.secondsLeft { parts.append("\(Figures.duration(seconds: left)) left") }
        if progress.deadLettered > 0 { parts.append("\(Figures.count(progress.deadLettered)) dead letters") }
        if progress.retries > 0 { parts.append("\(progress.retries) retries") }
        if progress.bucketsFailed > 0 { parts.append("\(progress.bucketsFailed) buckets failed") }
        if let waiting { parts.append("waiting: \(waiting)") }
        return parts.joined(separator: " · ")
    }
}
