/// Failures that the engine puts in place of what a turn asked for.
package enum LimitFailure {
    static let historyType = "HistoryLimitExceeded"
    static let payloadType = "PayloadTooLarge"
    static let types: Set<String> = [historyType, payloadType]

    /// 256 KB, as in Temporal: the most that any input or result in history may hold.
    package static let standardPayloadLimit = 256 * 1024

    package static func history(length: Int, maximumEvents: Int) -> FailureInfo {
        FailureInfo(
            kind: .application(nonRetryable: true),
            type: historyType,
            message: "The history would reach \(length) events, and its limit is \(maximumEvents). "
                + "Have the workflow throw ContinueAsNew when shouldContinueAsNew turns true, or raise the history limit."
        )
    }

    package static func payload(_ what: String, byteCount: Int, limit: Int) -> FailureInfo {
        FailureInfo(
            kind: .application(nonRetryable: true),
            type: payloadType,
            message: "\(what) is \(byteCount) bytes of JSON, and at most \(limit) may travel in history. "
                + "Store the data elsewhere and pass a reference to it."
        )
    }
}
