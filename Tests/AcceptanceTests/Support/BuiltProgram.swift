import Foundation
import Synchronization

/// The `backfill` that was built with these tests; it lies beside their bundle.
enum BuiltProgram {
    /// The executable, wherever the build put it.
    static let url: URL = {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let folders = [Bundle.main.bundleURL, own.deletingLastPathComponent()]
        let candidates = folders.map { $0.appending(path: "backfill") }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
            preconditionFailure("there is no backfill beside the tests: \(candidates.map(\.path))")
        }
        return found
    }()

    /// Starts it in a folder, with its output going to files there.
    static func start(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws
        -> RunningProgram
    {
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return try RunningProgram(starting: process)
    }
}

/// A `backfill` at work.
final class RunningProgram: Sendable {
    /// Its process id.
    let processID: Int32
    private let end: Task<ProgramEnd, any Error>
    private let isOver: Flag

    fileprivate init(starting process: Process) throws {
        // Files, not pipes: nobody has to read while it runs, and it never waits for a reader.
        let folder = FileManager.default.temporaryDirectory.appending(path: "backfill-output-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (output, notes) = (folder.appending(path: "stdout"), folder.appending(path: "stderr"))
        for file in [output, notes] { try Data().write(to: file) }
        let handles = try [output, notes].map { try FileHandle(forWritingTo: $0) }
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        let (ends, continuation) = AsyncStream.makeStream(of: ProgramEnd.Status.self)
        let isOver = Flag()
        self.isOver = isOver
        process.terminationHandler = { process in
            isOver.raise()
            continuation.yield(
                process.terminationReason == .exit
                    ? .exit(process.terminationStatus) : .signal(process.terminationStatus)
            )
            continuation.finish()
        }
        try process.run()
        // The program has its own. Foundation keeps these as long as it likes, and with over a thousand open files its search for the
        // highest one reads beyond the end of a folder's entries.
        for handle in handles { try handle.close() }
        processID = process.processIdentifier
        end = Task {
            defer { try? FileManager.default.removeItem(at: folder) }
            var status = ProgramEnd.Status.signal(0)
            for await last in ends { status = last }
            return ProgramEnd(
                status: status,
                output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
                notes: String(decoding: try Data(contentsOf: notes), as: UTF8.self)
            )
        }
    }

    /// Sends a signal, unless it has ended.
    func send(_ signal: Int32) { if !hasEnded { kill(processID, signal) } }

    /// Whether it is gone. Its process id may be another program's by then.
    var hasEnded: Bool { isOver.isRaised }

    /// Waits for its end.
    func wait() async throws -> ProgramEnd { try await end.value }
}

private final class Flag: Sendable {
    private let state = Atomic(false)

    var isRaised: Bool { state.load(ordering: .acquiring) }

    func raise() { state.store(true, ordering: .releasing) }
}

/// How a `backfill` ended.
struct ProgramEnd: Sendable {
    /// What its parent was told.
    enum Status: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)
    }

    var status: Status
    /// All of stdout.
    var output: String
    /// All of stderr.
    var notes: String

    /// The last line on stderr that is not empty.
    var lastNote: String { notes.split(separator: "\n").last.map(String.init) ?? "" }
    /// Both streams, to be shown when an expectation fails.
    var all: String { "\(status)\n\(output)\n\(notes)" }
}
