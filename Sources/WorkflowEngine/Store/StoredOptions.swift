import Synchronization
import Workflows

/// The JSON texts of activity options. A program calls its activities with the same few again and again, and reading or writing them costs
/// many times what the rest of an event does.
enum StoredOptions {
    private struct Known {
        var texts: [ActivityOptions: String] = [:]
        var options: [String: ActivityOptions] = [:]
    }

    private static let known = Mutex(Known())
    /// Options may be made up by a workflow as it goes; those beyond so many are read and written each time.
    private static let limit = 1_000

    static func text(_ options: ActivityOptions) throws -> String {
        if let text = known.withLock({ $0.texts[options] }) { return text }
        let text = try StoredJSON.text(options)
        known.withLock { if $0.texts.count < limit { $0.texts[options] = text } }
        return text
    }

    static func options(_ text: String, read: () throws -> ActivityOptions) rethrows -> ActivityOptions {
        if let options = known.withLock({ $0.options[text] }) { return options }
        let options = try read()
        known.withLock { if $0.options.count < limit { $0.options[text] = options } }
        return options
    }
}
