/// A workflow type without its types, as an engine keeps it.
package struct WorkflowDefinition: Sendable {
    package let workflowType: String
    let run: @Sendable (Payload, WorkflowContext) async throws -> Payload

    package init<W: Workflow>(_ type: W.Type) {
        workflowType = W.workflowType
        run = { payload, context in
            let input: W.Input
            do { input = try payload.decode(as: W.Input.self) } catch {
                throw ApplicationFailure(
                    type: "InvalidInput",
                    message: "The input of workflow \(W.workflowType) does not decode.",
                    nonRetryable: true,
                    cause: error
                )
            }
            return try Payload(encoding: try await W().run(input, in: context))
        }
    }
}

/// An activity instance without its types, as an engine keeps it.
package struct ActivityDefinition: Sendable {
    package let activityType: String
    package let isCutShortByShutdown: Bool
    package let run: @Sendable (Payload, ActivityContext) async throws -> Payload

    package init<A: Activity>(_ activity: A) {
        activityType = A.activityType
        isCutShortByShutdown = A.isCutShortByShutdown
        run = { payload, context in
            let input: A.Input
            do { input = try payload.decode(as: A.Input.self) } catch {
                throw ApplicationFailure(
                    type: "InvalidInput",
                    message: "The input of activity \(A.activityType) does not decode.",
                    nonRetryable: true,
                    cause: error
                )
            }
            return try Payload(encoding: try await activity.run(input, in: context))
        }
    }
}
