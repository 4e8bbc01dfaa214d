import Testing

extension Workplace {
    func isComplete() async throws -> Bool {
        try JSONResult(try await backfill("list", "--json"))[0]["standing"].text == "complete"
    }

    /// Resumes the newest run, or begins one when the program was killed before it had stored any.
    func carryOn() async throws -> RunningProgram {
        let listed = try JSONResult(try await backfill("list", "--json"))
        guard let run = listed[0]["run"]["run_id"].text else { return try start("run", "spec.yaml", "--quiet") }
        return try start("resume", run, "--quiet")
    }
}
