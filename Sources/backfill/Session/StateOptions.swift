import ArgumentParser
import Foundation

/// Where the state lives.
struct StateOptions: ParsableArguments {
    @Option(name: .customLong("state"), help: ArgumentHelp("The state folder.", valueName: "dir"))
    var folder = ".backfill"

    var url: URL { URL(filePath: folder, directoryHint: .isDirectory, relativeTo: .currentDirectory()).absoluteURL }
}

/// Options that every command with a result has.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print the result as JSON.")
    var isJSON = false
}
