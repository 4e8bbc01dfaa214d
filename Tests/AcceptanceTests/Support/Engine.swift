import Foundation
import TestSupport
import Testing

/// The engine that a test's runs are on. One text of a test serves both engines; what is different on a cluster stands here:
///
/// - The command begins a run and watches it; workers do the work. A workplace keeps one beside its commands, and gives it their
///   environment. Whoever is killed, told to leave or carries on is a worker, and the command goes on watching: ``Workplace/kill(_:)``,
///   ``Workplace/leave(_:_:)``, ``Workplace/carryOn(_:_:_:)``.
/// - A run is at work as long as its workflow is open, whether a worker is there or not: it is never interrupted, nobody takes it over,
///   and `resume` is for what has ended. There is no process to name: ``owner(of:)``.
/// - File sinks are refused: ``sinks(_:)``.
/// - Histories are on the server, nothing of them in the state folder: ``Workplace/longestHistory(of:)`` asks for them as a person would.
/// - A kill costs the seconds after which a worker is taken for dead, so there are fewer of them: ``kills(of:)``.
enum Engine: String, CaseIterable, Sendable {
    case embedded, cluster

    /// Both where there is a server, otherwise the embedded one.
    static var available: [Engine] { TestTemporal.isThere ? allCases : [.embedded] }

    /// The server's; nil for the embedded engine.
    var address: String? { self == .cluster ? TestTemporal.address : nil }

    /// What commands need to find it.
    var environment: [String: String] { address.map { ["BACKFILL_ENGINE": $0] } ?? [:] }

    /// Of sinks in a spec those that it can serve.
    func sinks(_ sinks: [String]) -> [String] {
        self == .embedded ? sinks : sinks.filter { !$0.hasPrefix("file:") }
    }

    /// What commands call who works on a run.
    func owner(of program: RunningProgram) -> String {
        address.map { "the workers of \($0)" } ?? "process \(program.processID)"
    }

    /// For a test's arguments: each value on the embedded engine, and the first so many on a cluster, where there is one.
    static func each<Value: Sendable>(_ values: [Value], onCluster count: Int) -> [(Engine, Value)] {
        available.flatMap { engine in
            values.prefix(engine == .cluster ? count : values.count).map { (engine, $0) }
        }
    }

    /// How often a test kills here what it kills so often on the embedded engine.
    func kills(of count: Int) -> Int { self == .embedded ? count : min(count, 3) }
}

/// Why a test is not done on a cluster.
struct EmbeddedOnly: TestTrait {
    let comments: [Comment]
}

extension Trait where Self == EmbeddedOnly {
    /// The test stays on the embedded engine, for that reason.
    static func embeddedOnly(_ reason: Comment) -> EmbeddedOnly { EmbeddedOnly(comments: [reason]) }
}
