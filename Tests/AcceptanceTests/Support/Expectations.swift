import Foundation
import Testing

/// Expects an error as a person wants to read it: the exit status, nothing on stdout, what is wrong on stderr, and no program's innards.
func expectError(
    _ end: ProgramEnd,
    exit status: Int32,
    _ texts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectError(end, exit: status, texts, sourceLocation: sourceLocation)
}

func expectError(
    _ end: ProgramEnd,
    exit status: Int32,
    _ texts: [String],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(end.status == .exit(status), "\(end.all)", sourceLocation: sourceLocation)
    #expect(end.output == "", sourceLocation: sourceLocation)
    for text in texts {
        #expect(end.notes.contains(text), "\(text) is not in: \(end.notes)", sourceLocation: sourceLocation)
    }
    expectPlainWords(end, sourceLocation: sourceLocation)
}

/// Expects that nothing of the program's innards was shown.
func expectPlainWords(_ end: ProgramEnd, sourceLocation: SourceLocation = #_sourceLocation) {
    let innards = [
        "Fatal error", "couldn’t be completed", "couldn't be completed", "Error Domain", "NSError", "Optional(",
        "Backtrace", " at /",
        "SwiftError", "GRDB", "DatabaseError", "FailureInfo",
    ]
    for word in innards {
        #expect(!end.notes.contains(word), "\(word) is in: \(end.notes)", sourceLocation: sourceLocation)
        #expect(!end.output.contains(word), "\(word) is in: \(end.output)", sourceLocation: sourceLocation)
    }
}

/// Expects the end of a run that is complete.
func expectComplete(_ end: ProgramEnd, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(end.status == .exit(0), "\(end.all)", sourceLocation: sourceLocation)
    expectPlainWords(end, sourceLocation: sourceLocation)
}

extension Workplace {
    /// The id of the newest run.
    func newestRun(sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let listed = try JSONResult(try await backfill("list", "--json"), sourceLocation: sourceLocation)
        return try #require(listed[0]["run"]["run_id"].text, sourceLocation: sourceLocation)
    }
}
