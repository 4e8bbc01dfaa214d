import BackfillKit
import Foundation

/// The state as a command has opened it.
struct OpenState: Sendable {
    /// The state folder; where the state is in a database, a folder for this machine's copies of what lies there.
    let folder: StateFolder
    let store: RunStore

    /// Opens the state for a process that works on runs; makes what is not there.
    static func forWork(_ options: StateOptions) async throws -> OpenState {
        switch try options.place() {
        case .folder(let folder):
            try folder.create()
            // Held until the store is open: two processes that make the same new file at once would trip over each other.
            let turn = try folder.takeTurn()
            defer { turn.end() }
            return OpenState(folder: folder, store: try RunStore(file: folder.storeFile))
        case .database(let database):
            let state = opened(try await RunStore.open(database))
            try state.folder.create()
            return state
        }
    }

    /// Opens the state for a process that only looks, also while others are at work.
    static func forReading(_ options: StateOptions) async throws -> OpenState {
        switch try options.place() {
        case .folder(let folder):
            return OpenState(folder: folder, store: try RunStore(reading: folder.storeFile))
        case .database(let database):
            return opened(try await RunStore.require(database))
        }
    }

    private static func opened(_ store: RunStore) -> OpenState {
        // Two databases may hold results of the same names only if one is a copy of the other; then so are the results.
        let copies = ProcessInfo.processInfo.environment["BACKFILL_COPIES"] ?? "\(StateOptions.standardFolder)/copies"
        let folder = StateFolder(URL(filePath: copies, directoryHint: .isDirectory).absoluteURL)
        return OpenState(folder: folder, store: store)
    }
}
