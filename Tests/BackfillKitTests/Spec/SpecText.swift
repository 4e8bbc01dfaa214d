import Foundation
import TestSupport
import Testing

@testable import BackfillKit

/// Specs for tests: a small one that is right, and the problems of others.
enum SpecText {
    /// Reads a spec that lies in a folder which does not exist.
    static func parse(_ text: String, environment: [String: String] = [:]) throws(SpecError) -> BackfillSpec {
        try BackfillSpec.parse(text: text, file: "/nowhere/spec.yaml", environment: environment)
    }

    /// A whole spec from the lines that matter to a test; what the lines do not give is added below them.
    static func complete(_ lines: String) -> String {
        let standard = [
            ("name", "name: customers"), ("source", "source: sqlite:customers.sqlite"),
            ("queries", "queries: [{name: all, sql: SELECT 1, key: id}]"),
            ("sinks", "sinks: [{file: {path: out.ndjson}}]"),
        ]
        let missing = standard.filter { key, _ in !lines.split(separator: "\n").contains { $0.hasPrefix("\(key):") } }
        return ([lines] + missing.map(\.1)).joined(separator: "\n")
    }

    /// `line:column: message. Advice` of each problem.
    static func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
        do throws(SpecError) {
            _ = try parse(text, environment: environment)
            return []
        } catch {
            return error.problems.map { $0.description.replacing("/nowhere/spec.yaml:", with: "") }
        }
    }

    /// Calls with a new folder that holds the given files, and removes it.
    static func withFolder(_ files: [String: String], _ body: (_ folder: URL) throws -> Void) throws {
        let scratch = try ScratchFolder()
        let folder = scratch.url
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
        }
        // The scratch folder goes with its last reference: not before the body is done.
        try withExtendedLifetime(scratch) { try body(folder) }
    }
}
