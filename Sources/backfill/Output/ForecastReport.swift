import BackfillKit
import Foundation

/// How a forecast reads, never more precisely than it is.
enum ForecastReport {
    /// For `plan --time`.
    static func text(of forecast: Forecast) -> String {
        var lines = [
            "forecast: \(Figures.about(seconds: forecast.workingSeconds)) of work: staging \(Figures.about(seconds: forecast.stagingSeconds)), publishing \(Figures.about(seconds: forecast.publishingSeconds))"
        ]
        if let limit = forecast.limit { lines.append("what decides: \(limit)") }
        if let seconds = forecast.windowedSeconds {
            lines.append("with the time windows, begun now: \(Figures.about(seconds: seconds)) from start to end")
        }
        lines += forecast.leftOut.map { "left out, so it may take longer: \($0)" }
        return lines.joined(separator: "\n")
    }

    /// How a run went that a forecast was made for; nil when none was.
    static func comparison(_ run: RunProgress) -> String? {
        guard let forecast = run.forecastSeconds else { return nil }
        let fact = Figures.duration(seconds: run.secondsWorked)
        let isOver = run.state == .complete
        return "forecast \(Figures.about(seconds: forecast)), \(isOver ? "took" : "so far") \(fact)"
    }

    /// How far apart the first and the last bucket finished; nil when there are fewer than two.
    static func bucketSpread(_ run: RunProgress) -> String? {
        guard run.bucketsComplete > 1, let spread = run.bucketSpreadSeconds else { return nil }
        return "the last bucket finished \(Figures.duration(seconds: spread)) after the first"
    }
}

/// A run would take longer than it may. It was not begun.
struct TooLong: Error, CustomStringConvertible {
    var forecast: Forecast
    var limit: String

    /// The forecast, the limit, and what to do.
    var description: String {
        """
        The run would take \(Figures.about(seconds: forecast.seconds)), and --max-duration allows \(limit). Nothing was begun.
        \(ForecastReport.text(of: forecast))
        \(advice) Or raise --max-duration.
        """
    }

    private var advice: String {
        if let windowed = forecast.windowedSeconds, windowed > 2 * forecast.workingSeconds {
            return "Most of the time its `window` is shut: widen it, or begin when it opens."
        }
        switch forecast.limit {
        case .pace(_, nil): return "Raise the spec's `pace`."
        case .pace(_, let lane?): return "Raise the `pace` of the lane \(lane)."
        case .executors: return "Give the spec more `executors` (and as many `buckets`), or larger `batch`es."
        case .batches: return "Give the spec larger `batch`es."
        case .sink(let name):
            return
                "The sink `\(name)` takes the longest: try larger `batch`es and more `executors`, or publish fewer records."
        case nil: return "Staging takes the longest: make the queries faster."
        }
    }
}
