import ArgumentParser
import Foundation

/// Where the state lives.
struct StateOptions: ParsableArguments {
    @Option(name: .customLong("state"), help: ArgumentHelp("The state folder.", valueName: "dir"))
    var folder = ".backfill"

    @Option(
        help: ArgumentHelp(
            "Where workflows run: embedded, or temporal://HOST:7233/NAMESPACE. A state folder remembers; before that BACKFILL_ENGINE counts.",
            valueName: "engine"
        )
    )
    var engine: String?

    /// What a command to type next needs behind it, as a shell takes it; empty for the folder that is the default.
    var argument: String {
        if folder == ".backfill" { return "" }
        let isPlain = folder.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return " --state " + (isPlain ? folder : "'\(folder.replacing("'", with: "'\\''"))'")
    }

    var url: URL { URL(filePath: folder, directoryHint: .isDirectory, relativeTo: .currentDirectory()).absoluteURL }
}

/// Options that every command with a result has.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print the result as JSON.")
    var isJSON = false
}
