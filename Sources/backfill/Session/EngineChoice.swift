import BackfillKit
import Foundation
import Workflows

#if Temporal
import TemporalEngine
#endif

/// Which engine the runs of a state folder are on.
enum EngineChoice: Sendable, Equatable {
    case embedded
    /// A Temporal cluster: its address, and the task queue that this folder's workers poll.
    case temporal(address: String, taskQueue: String)

    /// What a state folder says of its engine; there is no such file where it is the embedded one.
    private struct Note: Codable {
        var engine: String
        var taskQueue: String
    }

    private static let scheme = "temporal://"

    /// The engine of a folder, as the folder says, or `--engine`, or `BACKFILL_ENGINE`.
    ///
    /// - Parameter binding: makes the folder belong to that engine when it belongs to none.
    /// - Throws: ``EngineRefused`` when the folder belongs to another engine, or the name is none.
    static func of(_ state: StateFolder, given: String?, binding: Bool = false) throws -> EngineChoice {
        let given = try (given ?? ProcessInfo.processInfo.environment["BACKFILL_ENGINE"]).map(named)
        if let data = try? Data(contentsOf: state.engineNote) {
            let note: Note
            do { note = try JSONDecoder().decode(Note.self, from: data) } catch {
                throw EngineRefused("\(state.engineNote.path) cannot be read: \(error)")
            }
            // The way to a cluster may differ from host to host; a namespace is the same everywhere.
            if let given, namespace(given) != namespace(note.engine) {
                throw EngineRefused.other(state, note.engine, given)
            }
            return .temporal(address: given ?? note.engine, taskQueue: note.taskQueue)
        }
        guard let given, given != embeddedName else { return .embedded }
        if FileManager.default.fileExists(atPath: state.engineFile.path) {
            throw EngineRefused.other(state, embeddedName, given)
        }
        let note = Note(engine: given, taskQueue: "backfill-\(SortableID.make(at: Date()))")
        if binding {
            try state.create()
            guard try write(note, to: state) else { return try of(state, given: given) }
        }
        return .temporal(address: note.engine, taskQueue: note.taskQueue)
    }

    /// Makes the file whole or not at all.
    ///
    /// - Returns: false when another process was first.
    private static func write(_ note: Note, to state: StateFolder) throws -> Bool {
        let aside = state.engineNote.appendingPathExtension(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: aside) }
        try JSONEncoder().encode(note).write(to: aside)
        do {
            try FileManager.default.linkItem(at: aside, to: state.engineNote)
            return true
        } catch CocoaError.fileWriteFileExists {
            return false
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

    static func other(_ state: StateFolder, _ engine: String, _ given: String) -> EngineRefused {
        EngineRefused(
            """
            The runs in \(state.url.path) are on the engine \(engine), not on \(given). Take --engine (or BACKFILL_ENGINE) out, or name \
            another folder with --state.
            """
        )
    }

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
