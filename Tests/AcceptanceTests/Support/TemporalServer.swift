import Foundation
import TestSupport
import Testing

/// A Temporal server of one test's own, which may be killed and started again with its histories.
struct TemporalServer: Sendable {
    let address: String
    private let folder: URL

    private static let script = URL(filePath: #filePath)
        .appending(path: "../../../../samples/temporal/server.sh").standardizedFileURL.path

    /// Calls with a server, and removes it.
    static func with(_ body: (TemporalServer) async throws -> Void) async throws {
        let folder = try ScratchFolder()
        let place = folder.url.appending(path: "temporal")
        let server = TemporalServer(address: try await script("start", place), folder: place)
        do { try await body(server) } catch {
            _ = try? await script("remove", place)
            throw error
        }
        _ = try await script("remove", place)
    }

    func kill() async throws { _ = try await Self.script("stop", folder, "kill") }

    func start() async throws { _ = try await Self.script("start", folder) }

    /// Where Temporal's own command is.
    static func program() async throws -> String {
        let end = try await CommandLineTool.run([script, "program"])
        try #require(end.status == 0, "\(end.output)")
        return end.output.split(separator: "\n").last.map(String.init) ?? ""
    }

    private static func script(_ verb: String, _ folder: URL, _ more: String...) async throws -> String {
        let end = try await CommandLineTool.run([script, verb, folder.path] + more)
        try #require(end.status == 0, "\(end.output)")
        return end.output.split(separator: "\n").last.map(String.init) ?? ""
    }
}
