import BackfillKit
import Foundation
import Workflows

#if Temporal
import TemporalEngine
#endif

/// Which engine the runs of a state are on.
enum EngineChoice: Sendable, Equatable {
    case embedded
    /// A Temporal cluster: its address, and the task queue that this state's workers poll.
    case temporal(address: String, taskQueue: String)

    /// What a state says of its engine; it says nothing where it is the embedded one.
    private struct Note: Codable {
        var engine: String
        var taskQueue: String

        init(_ engine: String) {
            self.engine = engine
            taskQueue = "backfill-\(SortableID.make(at: Date()))"
        }

        init?(_ settings: [String: String]) {
            guard let engine = settings["engine"], let taskQueue = settings["task_queue"] else { return nil }
            (self.engine, self.taskQueue) = (engine, taskQueue)
        }

        var settings: [(name: String, value: String)] { [("engine", engine), ("task_queue", taskQueue)] }
    }

    private static let scheme = "temporal://"

    /// The engine of a state, as the state says, or `--engine`, or `BACKFILL_ENGINE`.
    ///
    /// - Parameter binding: makes the state belong to that engine when it belongs to none.
    /// - Throws: ``EngineRefused`` when the state belongs to another engine, or the name is none.
    static func of(_ state: StatePlace, given: String?, binding: Bool = false) async throws -> EngineChoice {
        let given = try (given ?? ProcessInfo.processInfo.environment["BACKFILL_ENGINE"]).map(named)
        if let note = try await note(of: state) {
            // The way to a cluster may differ from host to host; a namespace is the same everywhere.
            if let given, namespace(given) != namespace(note.engine) {
                throw EngineRefused.other(state, note.engine, given)
            }
            return .temporal(address: given ?? note.engine, taskQueue: note.taskQueue)
        }
        guard let given, given != embeddedName else {
            if case .database = state { throw EngineRefused.needsCluster }
            return .embedded
        }
        if case .folder(let folder) = state, FileManager.default.fileExists(atPath: folder.engineFile.path) {
            throw EngineRefused.other(state, embeddedName, given)
        }
        var note = Note(given)
        if binding { note = try await keep(note, in: state) }
        return .temporal(address: given, taskQueue: note.taskQueue)
    }

    private static func note(of state: StatePlace) async throws -> Note? {
        switch state {
        case .folder(let folder):
            guard let data = try? Data(contentsOf: folder.engineNote) else { return nil }
            do { return try JSONDecoder().decode(Note.self, from: data) } catch {
                throw EngineRefused("\(folder.engineNote.path) cannot be read: \(error)")
            }
        case .database(let database):
            return Note(try await RunStore.openIfThere(database)?.settings() ?? [:])
        }
    }

    /// Keeps the note, unless another process was first.
    ///
    /// - Returns: what holds now.
    private static func keep(_ note: Note, in state: StatePlace) async throws -> Note {
        switch state {
        case .database(let database):
            return Note(try await RunStore.open(database).settle(note.settings)) ?? note
        case .folder(let folder):
            try folder.create()
            // Whole or not at all.
            let aside = folder.engineNote.appendingPathExtension(UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: aside) }
            try JSONEncoder().encode(note).write(to: aside)
            do {
                try FileManager.default.linkItem(at: aside, to: folder.engineNote)
                return note
            } catch CocoaError.fileWriteFileExists {
                return try await self.note(of: state) ?? note
            }
        }
    }

    /// What comes behind the last slash; nil for the embedded engine.
    private static func namespace(_ engine: String) -> Substring? {
        engine == embeddedName ? nil : engine.split(separator: "/").last
    }

    /// Refuses what workers of a cluster cannot do together.
    ///
    /// - Throws: ``EngineRefused``.
    func requireFitting(_ spec: BackfillSpec) throws {
        guard case .temporal = self else { return }
        for case .file(let file) in spec.sinks {
            throw EngineRefused(
                """
                The file \(file.file.path) is written by one process, and on a cluster several would write it. Take this sink out, or run \
                the spec on the embedded engine (another --state, without --engine).
                """
            )
        }
    }

    private static let embeddedName = "embedded"

    private static func named(_ text: String) throws -> String {
        if text == embeddedName { return text }
        guard text.hasPrefix(scheme) else {
            throw EngineRefused("There is no engine `\(text)`. Write embedded, or temporal://HOST:7233/NAMESPACE.")
        }
        #if Temporal
        return try TemporalAddress(text).description
        #else
        throw EngineRefused.notBuiltIn
        #endif
    }
}

/// An engine cannot be used as asked. Nothing was changed.
struct EngineRefused: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func other(_ state: StatePlace, _ engine: String, _ given: String) -> EngineRefused {
        EngineRefused(
            """
            The runs in \(state) are on the engine \(engine), not on \(given). Take --engine (or BACKFILL_ENGINE) out, or name \
            another place with --state.
            """
        )
    }

    static let needsCluster = EngineRefused(
        """
        The embedded engine keeps its histories in a folder: with the state in PostgreSQL name a cluster with \
        --engine temporal://HOST:7233/NAMESPACE (or BACKFILL_ENGINE), or take the database out of --state and BACKFILL_STATE.
        """
    )

    static let notBuiltIn = EngineRefused(
        "This backfill was built without Temporal. Build it with: swift build -c release --product backfill --traits Temporal"
    )
}

#if Temporal
extension TemporalOptions {
    /// What the environment says of the way to a cluster: `TEMPORAL_TLS_CA`, `TEMPORAL_TLS_CERT`, `TEMPORAL_TLS_KEY` (PEM files),
    /// `TEMPORAL_TLS=1` for the system's authorities, `TEMPORAL_TLS_SERVER_NAME`, `TEMPORAL_API_KEY`, and `BACKFILL_PAYLOAD_KEY` (64 hex
    /// digits) to encrypt payloads.
    static func fromEnvironment(taskQueue: String) throws -> TemporalOptions {
        let environment = ProcessInfo.processInfo.environment
        var options = TemporalOptions(taskQueue: taskQueue)
        let authorities = environment["TEMPORAL_TLS_CA"]
        switch (environment["TEMPORAL_TLS_CERT"], environment["TEMPORAL_TLS_KEY"]) {
        case (let certificate?, let key?):
            options.security = .mutualTLS(certificateFile: certificate, keyFile: key, rootsFile: authorities)
        case (nil, nil):
            if authorities != nil || environment["TEMPORAL_TLS"] != nil || environment["TEMPORAL_API_KEY"] != nil {
                options.security = .tls(rootsFile: authorities)
            }
        default: throw EngineRefused("TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY go together: set both, or none.")
        }
        options.serverName = environment["TEMPORAL_TLS_SERVER_NAME"]
        options.apiKey = environment["TEMPORAL_API_KEY"]
        options.payloadKey = try environment["BACKFILL_PAYLOAD_KEY"].map(key)
        return options
    }

    private static func key(_ text: String) throws -> Data {
        let digits = Array(text.utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
        guard digits.count == 64, bytes.count == 32 else {
            throw EngineRefused("BACKFILL_PAYLOAD_KEY needs 64 hex digits. Make a key with: openssl rand -hex 32")
        }
        return Data(bytes)
    }
}
#endif
