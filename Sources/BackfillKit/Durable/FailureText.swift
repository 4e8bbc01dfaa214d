import Workflows

/// Errors as one line for a person.
enum FailureText {
    /// The text of the cause at the root: what the engine wraps around it (which activity, which child) is in the history.
    static func line(of error: any Error) -> String {
        let chain = FailureInfo(describing: error).chain
        let root = chain.last { !$0.message.isEmpty } ?? chain[0]
        let text = root.message.isEmpty ? root.type : root.message
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
