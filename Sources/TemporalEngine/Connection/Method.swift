#if Temporal
import GRPCCore
import SwiftProtobuf

/// A call of Temporal's WorkflowService, with the messages it asks with and answers with.
struct Method<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>: Sendable {
    let descriptor: MethodDescriptor
    /// How long one try may take.
    let timeout: Duration

    init(_ name: String, timeout: Duration = .seconds(10)) {
        descriptor = MethodDescriptor(
            fullyQualifiedService: "temporal.api.workflowservice.v1.WorkflowService",
            method: name,
            type: .unary
        )
        self.timeout = timeout
    }
}

/// A server holds a poll for up to a minute while it has no task.
private let pollTimeout = Duration.seconds(70)

extension Method where Request == WireGetSystemInfoRequest, Response == WireGetSystemInfoResponse {
    static var getSystemInfo: Self { Self("GetSystemInfo") }
}
extension Method where Request == WireDescribeNamespaceRequest, Response == WireNothing {
    static var describeNamespace: Self { Self("DescribeNamespace") }
}
extension Method where Request == WireStartWorkflowRequest, Response == WireStartWorkflowResponse {
    static var startWorkflow: Self { Self("StartWorkflowExecution") }
}
extension Method where Request == WireGetHistoryRequest, Response == WireGetHistoryResponse {
    static var getHistory: Self { Self("GetWorkflowExecutionHistory", timeout: .seconds(30)) }
    /// Waits until there is an event that the request asks for.
    static var awaitHistory: Self { Self("GetWorkflowExecutionHistory", timeout: pollTimeout) }
    /// The newest event first.
    static var getHistoryReverse: Self { Self("GetWorkflowExecutionHistoryReverse") }
}
extension Method where Request == WirePollWorkflowTaskRequest, Response == WireWorkflowTask {
    static var pollWorkflowTask: Self { Self("PollWorkflowTaskQueue", timeout: pollTimeout) }
}
extension Method where Request == WireCompleteWorkflowTaskRequest, Response == WireCompleteWorkflowTaskResponse {
    static var completeWorkflowTask: Self { Self("RespondWorkflowTaskCompleted") }
}
extension Method where Request == WireFailWorkflowTaskRequest, Response == WireNothing {
    static var failWorkflowTask: Self { Self("RespondWorkflowTaskFailed") }
}
extension Method where Request == WirePollActivityTaskRequest, Response == WireActivityTask {
    static var pollActivityTask: Self { Self("PollActivityTaskQueue", timeout: pollTimeout) }
}
extension Method where Request == WireHeartbeatRequest, Response == WireHeartbeatResponse {
    static var heartbeat: Self { Self("RecordActivityTaskHeartbeat") }
}
extension Method where Request == WireCompleteActivityRequest, Response == WireNothing {
    static var completeActivity: Self { Self("RespondActivityTaskCompleted") }
}
extension Method where Request == WireFailActivityRequest, Response == WireNothing {
    static var failActivity: Self { Self("RespondActivityTaskFailed") }
}
extension Method where Request == WireCancelActivityRequest, Response == WireNothing {
    static var cancelActivity: Self { Self("RespondActivityTaskCanceled") }
}
extension Method where Request == WireCompleteQueryRequest, Response == WireNothing {
    static var completeQuery: Self { Self("RespondQueryTaskCompleted") }
}
extension Method where Request == WireRequestCancelRequest, Response == WireNothing {
    static var requestCancel: Self { Self("RequestCancelWorkflowExecution") }
}
extension Method where Request == WireSignalRequest, Response == WireNothing {
    static var signal: Self { Self("SignalWorkflowExecution") }
}
extension Method where Request == WireTerminateRequest, Response == WireNothing {
    static var terminate: Self { Self("TerminateWorkflowExecution") }
}
extension Method where Request == WireListExecutionsRequest, Response == WireListExecutionsResponse {
    static var listExecutions: Self { Self("ListWorkflowExecutions") }
}
extension Method where Request == WireQueryRequest, Response == WireQueryResponse {
    static var query: Self { Self("QueryWorkflow", timeout: .seconds(30)) }
}
extension Method where Request == WireDescribeExecutionRequest, Response == WireDescribeExecutionResponse {
    static var describeExecution: Self { Self("DescribeWorkflowExecution") }
}
extension Method where Request == WireShutdownWorkerRequest, Response == WireNothing {
    static var shutdownWorker: Self { Self("ShutdownWorker") }
}
#endif
