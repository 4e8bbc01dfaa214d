import Foundation
import TestSupport
import Testing

/// A PostgreSQL server that only one test has.
enum OwnPostgreSQL {
    /// A server of the test's own, which can be restarted without disturbing others.
    static func with(
        _ folder: ScratchFolder,
        _ body: (_ url: String, _ restart: (_ how: String) async throws -> Void) async throws -> Void
    ) async throws {
        let script = URL(filePath: #filePath).appending(path: "../../../../samples/postgres/server.sh")
            .standardizedFileURL
            .path
        let place = folder.file("server").path
        func control(_ arguments: [String]) async throws -> String {
            // The server belongs to another user when root runs this, who has to get through to it.
            chmod(folder.url.path, 0o711)
            let end = try await CommandLineTool.run(
                ["bash", "-c", "exec \"$@\" 2>/dev/null", "control", script] + arguments
            )
            try #require(end.status == 0, "\(arguments): \(end.output)")
            return end.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let url = try await control(["start", "--fast", place])
        do {
            try await body(url) { how in
                _ = try await control(["stop", place, how])
                _ = try await control(["start", place])
            }
        } catch {
            _ = try? await control(["remove", place])
            throw error
        }
        _ = try await control(["remove", place])
    }
}
