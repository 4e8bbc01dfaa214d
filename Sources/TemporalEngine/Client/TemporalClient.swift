#if Temporal
import Foundation
import GRPCCore
public import Logging
import Synchronization
public import Workflows

/// Starts workflows on a Temporal server and looks at them. Workers do the work, in this process or in others.
public final class TemporalClient: WorkflowClient {
    let connection: TemporalConnection
    let payloads: PayloadMapping
    /// The workflow ids of executions that were seen here: the server knows an execution by both only.
    private let workflowIDs = Mutex<[String: String]>([:])

    var namespace: String { connection.address.namespace }

    private init(_ connection: TemporalConnection, _ payloads: PayloadMapping) {
        self.connection = connection
        self.payloads = payloads
    }

    /// Connects, and returns when the server has answered and knows the namespace.
    ///
    /// - Throws: ``TemporalError`` when it did not within the options' patience, or the options are wrong.
    public static func connect(to address: TemporalAddress, options: TemporalOptions, logger: Logger) async throws
        -> TemporalClient
    {
        let payloads = try PayloadMapping(key: options.payloadKey)
        return TemporalClient(
            try await TemporalConnection.open(address, options: options, logger: logger),
            payloads
        )
    }

    /// Ends the connection, and with it the calls that are under way.
    public func close() async { await connection.close() }

    // MARK: Starting and asking

    /// See ``WorkflowClient/start(_:id:_:options:)``.
    public func start<W: Workflow>(
        _ type: W.Type,
        id: String,
        _ input: W.Input,
        options: WorkflowOptions
    ) async throws -> String {
        let payload = try checked(Payload(encoding: input), "The input of workflow \(id)")
        var request = WireStartWorkflowRequest()
        request.namespace = namespace
        request.identity = connection.options.identity
        request.requestID = UUID().uuidString
        request.workflowID = id
        request.workflowType.name = W.workflowType
        request.taskQueue.name = connection.options.taskQueue
        request.input = try payloads.wires(payload)
        request.workflowIDReusePolicy = WireReusePolicy(options.idReusePolicy)
        request.workflowIDConflictPolicy = .fail
        request.header.fields[HeaderName.header] = try payloads.wire(
            encoding: ExecutionHeader(historyLimit: options.historyLimit ?? HistoryLimit())
        )
        request.memo = try payloads.fields(options.memo)
        do {
            let response = try await connection.call(.startWorkflow, request)
            return noted(response.runID, of: id)
        } catch let error as RPCError where error.code == .alreadyExists {
            if try await describe(id)?.status == .running {
                throw WorkflowClientError(.alreadyRunning, "An execution of workflow id \(id) is open.")
            }
            throw WorkflowClientError(
                .alreadyUsed,
                "Workflow id \(id) was used before, and its reuse policy refuses another execution."
            )
        } catch let error as RPCError {
            throw failure(error, of: id)
        }
    }

    /// See ``WorkflowClient/signal(_:_:_:)``.
    public func signal<Value>(_ workflowID: String, _ signal: SignalName<Value>, _ value: Value) async throws {
        var request = WireSignalRequest()
        request.namespace = namespace
        request.identity = connection.options.identity
        request.requestID = UUID().uuidString
        request.workflowExecution.workflowID = workflowID
        request.signalName = signal.name
        request.input = try payloads.wires(checked(Payload(encoding: value), "The value of signal \(signal.name)"))
        try await ask(.signal, request, workflowID)
    }

    /// See ``WorkflowClient/cancel(_:reason:)``.
    public func cancel(_ workflowID: String, reason: String) async throws {
        var request = WireRequestCancelRequest()
        request.namespace = namespace
        request.identity = connection.options.identity
        request.requestID = UUID().uuidString
        request.workflowExecution.workflowID = workflowID
        request.reason = reason
        try await ask(.requestCancel, request, workflowID)
    }

    /// See ``WorkflowClient/terminate(_:reason:)``.
    public func terminate(_ workflowID: String, reason: String) async throws {
        var request = WireTerminateRequest()
        request.namespace = namespace
        request.identity = connection.options.identity
        request.workflowExecution.workflowID = workflowID
        request.reason = reason
        try await ask(.terminate, request, workflowID)
    }

    /// See ``WorkflowClient/query(_:_:_:)``. A worker has to be there to answer.
    public func query<Parameter, Answer>(
        _ workflowID: String,
        _ query: QueryName<Parameter, Answer>,
        _ parameter: Parameter
    ) async throws -> Answer {
        var request = WireQueryRequest()
        request.namespace = namespace
        request.execution.workflowID = workflowID
        request.query.queryType = query.name
        request.query.queryArgs = try payloads.wires(Payload(encoding: parameter))
        do {
            let response = try await connection.call(.query, request)
            return try payloads.payload(response.queryResult).decode(as: Answer.self)
        } catch let error as RPCError where error.code == .invalidArgument && UnknownQuery.isMeant(by: error.message) {
            throw WorkflowClientError(.unknownQuery, error.message)
        } catch let error as RPCError {
            throw failure(error, of: workflowID)
        }
    }

    // MARK: What they share

    private func ask<Request>(_ method: Method<Request, WireNothing>, _ request: Request, _ workflowID: String)
        async throws
    {
        do {
            _ = try await connection.call(method, request)
        } catch let error as RPCError {
            if error.code == .notFound, let found = try await describe(workflowID) {
                throw WorkflowClientError(
                    .notRunning,
                    "Workflow \(workflowID) is not open: it ended as \(found.status.rawValue)."
                )
            }
            throw failure(error, of: workflowID)
        }
    }

    private func checked(_ payload: Payload, _ what: String) throws -> Payload {
        let limit = LimitFailure.standardPayloadLimit
        guard payload.bytes.count > limit else { return payload }
        let failure = LimitFailure.payload(what, byteCount: payload.bytes.count, limit: limit)
        throw WorkflowClientError(.payloadTooLarge, failure.message)
    }

    func failure(_ error: RPCError, of workflowID: String) -> any Error {
        switch error.code {
        case .notFound: WorkflowClientError(.notFound, "There is no workflow \(workflowID).")
        case _ where error.isPassing, .unauthenticated, .permissionDenied: connection.explained(error)
        default: TemporalError("The Temporal server refuses the request for workflow \(workflowID): \(error.message)")
        }
    }

    /// Keeps in mind which workflow an execution belongs to.
    ///
    /// - Returns: the execution id.
    func noted(_ runID: String, of workflowID: String) -> String {
        let executionID = ExecutionID.of(runID: runID)
        workflowIDs.withLock { known in
            if known.count >= 100_000 { known.removeAll() }
            known[executionID] = workflowID
        }
        return executionID
    }

    /// The workflow that an execution belongs to.
    func workflowID(of executionID: String) async throws -> String? {
        if let known = workflowIDs.withLock({ $0[executionID] }) { return known }
        return try await list("RunId = '\(quoted(ExecutionID.runID(executionID)))'").first?.workflowID
    }
}
#endif
