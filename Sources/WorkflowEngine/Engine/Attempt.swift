import Workflows

/// One attempt of an activity, ready to be made.
struct Attempt: Sendable {
    let definition: ActivityDefinition
    let input: Payload
    let context: ActivityContext
    let executionID: String
    let scheduledEventID: Int
    /// Tells a late end from that of the present attempt.
    let token: Int

    @concurrent func result() async -> Result<Payload, any Error> {
        do { return .success(try await definition.run(input, context)) } catch { return .failure(error) }
    }
}
