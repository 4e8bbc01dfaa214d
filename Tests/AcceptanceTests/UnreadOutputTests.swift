import Foundation
import Testing

@Suite("Output that nobody reads breaks nothing", .timeLimit(.minutes(2)))
struct UnreadOutputTests {
    /// Runs the program with descriptor 3 leading to a pipe whose reader is gone.
    private func backfill(_ arguments: String, in place: Workplace) async throws -> Int32 {
        let script = "exec 3> >(:); wait $!; cd '\(place.folder.path)'; '\(BuiltProgram.url.path)' \(arguments)"
        return try await CommandLineTool.run(["bash", "-c", script]).status
    }

    @Test(
        "A run whose progress nobody reads goes on to its end; a result that nobody reads ends the program without a word"
    )
    func unread() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 1_000)
            try place.write(SpecFile())
            #expect(try await backfill("run spec.yaml --log-level trace 2>&3", in: place) == 0)
            #expect(try await place.count("person", of: "target.sqlite") == 1_000)
            for command in ["stats", "stats --json", "stats --watch", "list"] {
                #expect(try await backfill("\(command) >&3 2>errors", in: place) == 141, "\(command)")
                #expect(try place.text("errors").isEmpty, "\(command)")
            }
        }
    }
}
