/// A run's figures in the text format of Prometheus, for its textfile collector.
///
/// The format is that of https://prometheus.io/docs/instrumenting/exposition_formats/
public enum PrometheusText {
    /// One line for each figure, labelled with the run, and per query with that too.
    public static func text(of stats: RunStats) -> String {
        let run = stats.run
        var lines: [String] = []
        func add(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: Double)]) {
            lines.append("# HELP backfill_\(name) \(help)")
            lines.append("# TYPE backfill_\(name) \(kind)")
            for sample in samples {
                let value = sample.value.rounded() == sample.value ? String(Int64(sample.value)) : String(sample.value)
                lines.append("backfill_\(name){\(sample.labels)} \(value)")
            }
        }
        // Run ids and names of queries hold letters, digits, - _ and . only: nothing to escape.
        let whole = "run=\"\(run.runID)\""
        func perQuery(_ value: (QueryProgress) -> Double) -> [(labels: String, value: Double)] {
            stats.queries.map { ("\(whole),query=\"\($0.query)\"", value($0)) }
        }
        add("records", "gauge", "Records of the staged results.", perQuery { Double($0.records ?? 0) })
        add("records_published_total", "counter", "Records that every sink took.", perQuery { Double($0.published) })
        add("dead_letters", "gauge", "Dead letters that are open.", [(whole, Double(run.deadLetters))])
        add("retries_total", "counter", "Failed attempts of batches.", perQuery { Double($0.retries) })
        add("redeliveries_total", "counter", "Messages delivered again.", perQuery { Double($0.redeliveries) })
        add("buckets_failed", "gauge", "Buckets whose executor gave up.", perQuery { Double($0.bucketsFailed) })
        add("records_per_second", "gauge", "Records settled a second, over the last ten.", [(whole, run.rateNow)])
        add("waiting", "gauge", "Whether the whole run waits.", [(whole, run.waiting == nil ? 0 : 1)])
        add("complete", "gauge", "Whether the run is complete.", [(whole, run.state == .complete ? 1 : 0)])
        return lines.joined(separator: "\n")
    }
}
