import ArgumentParser
import BackfillKit
import Foundation

struct DeadLettersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List a run's dead letters: which record, which sink, why.",
        discussion: "Without RUN, those of the newest run."
    )

    @Option(help: ArgumentHelp("At most so many.", valueName: "count"))
    var limit: Int?

    @Flag(help: "Those that were discarded instead of those that are open.")
    var discarded = false

    @OptionGroup var options: DeadLetterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let store = try await options.state.requireStore()
        let runID = try await options.runID(in: store)
        var filter = options.filter
        filter.isDiscarded = discarded
        let letters = try await store.deadLetters(of: runID, filter, limit: limit)
        if output.isJSON {
            try Output.json(letters)
            return
        }
        guard !letters.isEmpty else {
            Output.note("run \(runID) has no \(options.isWhole ? "" : "such ")dead letters")
            return
        }
        Output.result(
            Table.render(
                letters,
                [
                    .text("correlation id") { $0.correlationID },
                    .figure("ordinal") { Figures.count($0.ordinal) },
                    .figure("bucket") { "\($0.bucket)" },
                    .text("sink") { $0.subscription },
                    .figure("attempts") { "\($0.attempts)" },
                    .text("error") { $0.error },
                ]
            )
        )
        if !discarded {
            Output.note("next: mend the cause, then backfill dead-letters redrive \(runID)\(options.state.argument)")
        }
    }
}

struct DeadLettersShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show dead letters with their records' columns.",
        discussion: "Narrow it down, for instance with --record ID."
    )

    @OptionGroup var options: DeadLetterOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let store = try await options.state.requireStore()
        let runID = try await options.runID(in: store)
        let letters = try await store.deadLetters(of: runID, options.filter)
        if output.isJSON {
            try Output.json(letters)
            return
        }
        guard !letters.isEmpty else {
            Output.note("run \(runID) has no such dead letters")
            throw ExitCode(ExitStatus.failed)
        }
        let names = try await DeadLetterOptions.names(of: runID, in: store)
        for letter in letters {
            Output.result(
                """
                correlation id  \(letter.correlationID)
                record          \(letter.recordID), ordinal \(letter.ordinal) in bucket \(letter.bucket) of \(names[letter.queryID] ?? "?")
                refused by      \(letter.subscription), after \(letter.attempts) \(letter.attempts == 1 ? "attempt" : "attempts")
                error           \(letter.errorType): \(letter.error)
                since           \(Figures.time(milliseconds: letter.createdAt))
                columns         \(letter.payload)

                """
            )
        }
    }
}

struct DeadLettersExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write dead letters as NDJSON, to be mended and handed back with `redrive --from`.",
        discussion: """
            One line a dead letter; change what is in \"record\" and leave the rest. The file holds the records' columns: it is made for its
            owner only.
            """
    )

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write; stdout without it.", valueName: "file"))
    var to: String?

    @OptionGroup var options: DeadLetterOptions

    func run() async throws {
        let store = try await options.state.requireStore()
        let runID = try await options.runID(in: store)
        let names = try await DeadLetterOptions.names(of: runID, in: store)
        let letters = try await store.deadLetters(of: runID, options.filter)
        let lines = try letters.map { try DeadLetterLine.text(of: $0, query: names[$0.queryID] ?? "") + "\n" }
        let data = Data(lines.joined().utf8)
        guard let to else {
            Output.result(data)
            return
        }
        guard !FileManager.default.fileExists(atPath: to) else {
            throw ValidationError("\(to) exists. Name another file, or remove it.")
        }
        guard
            FileManager.default.createFile(atPath: to, contents: data, attributes: [.posixPermissions: 0o600])
        else { throw ValidationError("\(to) cannot be written. Check the folder and the free space.") }
        Output.note("\(letters.count) dead letters written to \(to)")
        Output.note(
            "next: mend them, then backfill dead-letters redrive \(runID) --from \(to)\(options.state.argument)"
        )
    }
}
