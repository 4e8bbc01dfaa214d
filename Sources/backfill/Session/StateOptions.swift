import ArgumentParser
import BackfillKit
import Foundation

/// Where the state lives.
struct StateOptions: ParsableArguments {
    /// Where it lives when nobody says otherwise.
    static let standardFolder = ".backfill"

    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "The state folder, or postgresql://USER@HOST/DATABASE for workers that share no folder. Without it BACKFILL_STATE counts, then \(standardFolder).",
            valueName: "place"
        )
    )
    var given: String?

    @Option(
        help: ArgumentHelp(
            "Where workflows run: embedded, or temporal://HOST:7233/NAMESPACE. The state remembers; before that BACKFILL_ENGINE counts.",
            valueName: "engine"
        )
    )
    var engine: String?

    /// The place as it was named.
    private var text: String {
        given ?? ProcessInfo.processInfo.environment["BACKFILL_STATE"] ?? Self.standardFolder
    }

    /// The place.
    ///
    /// - Throws: ``StateError`` when it is none, or shows a password to whoever lists this machine's processes.
    func place() throws -> StatePlace {
        let place = try StatePlace(text, environment: ProcessInfo.processInfo.environment)
        if case .database(let database) = place, database.showsPassword, given != nil {
            throw PasswordShown(state: database.description)
        }
        return place
    }

    /// The place as a person may see it.
    var shown: String {
        if case .database(let database) = try? place() { return database.description }
        return text
    }

    /// What a command to type next needs behind it, as a shell takes it; empty where the place goes without saying.
    var argument: String {
        guard let given, given != Self.standardFolder else { return "" }
        let isPlain = given.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-:@".contains($0)) }
        return " --state " + (isPlain ? given : "'\(given.replacing("'", with: "'\\''"))'")
    }
}

/// A password stands in the command line.
struct PasswordShown: Error, CustomStringConvertible {
    /// Without the password.
    let state: String

    var description: String {
        """
        --state \(state): everyone on this machine can see the password in the list of processes. Put the place into BACKFILL_STATE, or the \
        password into ~/.pgpass, PGPASSWORD or a variable of your own ('postgresql://USER:${VARIABLE}@HOST/DATABASE', in single quotes).
        """
    }
}

/// Options that every command with a result has.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print the result as JSON.")
    var isJSON = false
}
