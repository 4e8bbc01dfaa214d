import BackfillKit
import Foundation

/// Shows how far a run is while it goes: a bar that redraws itself on a terminal, a line now and then elsewhere.
struct LiveProgress: Sendable {
    /// Whether anything is shown.
    var isQuiet: Bool

    /// Shows progress until the task is cancelled.
    func show(_ runID: RunID, in session: Session) async {
        guard !isQuiet else { return }
        let interactive = Output.isInteractive
        let reader = ProgressReader(session.store)
        let clock = ContinuousClock()
        defer { if interactive { Output.redraw("") } }
        var shown = ""
        while !Task.isCancelled {
            // A log gets a line every ten seconds, and the first one only after that: short runs print just their report.
            let pause: Duration = interactive ? .milliseconds(250) : .seconds(10)
            do { try await clock.sleep(for: pause) } catch { return }
            guard let progress = try? await reader.runs(runID).first else { continue }
            var waiting = progress.waiting
            if waiting == nil, progress.state == .running {
                waiting = (try? await reader.buckets(of: runID))?.compactMap(\.waiting).first
            }
            if interactive {
                let line = ProgressLine.bar(progress, waiting: waiting, columns: Output.columns)
                Output.redraw(line)
            } else {
                let line = ProgressLine.plain(progress, waiting: waiting)
                if line != shown { Output.note(line) }
                shown = line
            }
        }
    }
}
