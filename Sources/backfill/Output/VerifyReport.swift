import BackfillKit
import Foundation

/// `verify` for people.
enum VerifyReport {
    static func print(_ found: Verification, limit: Int) {
        for sink in found.sinks {
            guard sink.isComparable else {
                Output.result("\(sink.subscription): not compared, it cannot be read back")
                continue
            }
            Output.result("\(sink.subscription): \(summary(sink))")
            for difference in sink.differences.prefix(limit) { Output.result("  \(text(difference))") }
            let total = sink.missing + sink.changed + sink.repeated + (sink.extra ?? 0)
            if total > limit { Output.result("  and \(Figures.count(total - Int64(limit))) more") }
        }
        if found.unpublished > 0 {
            Output.result("\(Figures.count(found.unpublished)) records are not published yet and were not compared")
        }
        if !found.unfinished.isEmpty {
            Output.result("not finished, and compared as far as it went: \(found.unfinished.joined(separator: ", "))")
        }
        if found.deadLetters > 0 {
            Output.result("\(Figures.count(Int64(found.deadLetters))) records are dead letters and were not expected")
        }
        Output.result(
            found.isWhole
                ? "run \(found.runID): the targets hold what was published\(found.unfinished.isEmpty ? "" : " so far")"
                : "run \(found.runID): the targets differ"
        )
    }

    private static func summary(_ sink: Verification.Sink) -> String {
        let counts = [
            (sink.missing, "missing"), (sink.changed, "changed"), (sink.repeated, "too often"),
            (sink.extra ?? 0, "extra"),
        ].filter { $0.0 > 0 }.map { "\(Figures.count($0.0)) \($0.1)" }
        let compared = "\(Figures.count(sink.compared)) records compared"
        return compared + (counts.isEmpty ? ", all as published" : ": \(counts.joined(separator: ", "))")
    }

    private static func text(_ difference: Verification.Difference) -> String {
        let place = difference.query.map { " (ordinal \(difference.ordinal ?? 0) of \($0))" } ?? ""
        let columns = difference.columns.map { $0.isEmpty ? "" : ": \($0.joined(separator: ", "))" } ?? ""
        switch difference.kind {
        case .missing: return "missing    \(difference.recordID)\(place)"
        case .changed: return "changed    \(difference.recordID)\(place)\(columns)"
        case .repeated: return "too often  \(difference.recordID)\(place)"
        case .extra: return "extra      \(difference.recordID)"
        }
    }
}
