import Workflows

/// Does nothing: what remains is what the engine costs.
struct NoOp: Activity {
    func run(_ input: Empty, in context: ActivityContext) async throws -> Empty { input }
}

/// Calls the activity again and again, each time with the result of the last.
struct Sequence: Workflow {
    func run(_ input: Int, in context: WorkflowContext) async throws -> Empty {
        var result = Empty()
        for _ in 0..<input {
            result = try await context.execute(
                NoOp.self,
                result,
                options: ActivityOptions(startToClose: .seconds(60))
            )
        }
        return result
    }
}
