import Foundation
import Testing

/// Whether this process may mount; elsewhere the tests of full and read-only disks are skipped.
private let mayMount = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/mount")

@Suite(
    "A disk that is full or read-only stops a run with its state safe",
    .enabled(if: mayMount, "mounting needs root")
)
struct SmallDiskTests {
    @Test("A state folder without room: the disk is named, and with room the run goes on")
    func fullState() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 60_000)
            try place.write(SpecFile(more: ["retry: {stage: {maximum-attempts: 2, initial-interval: 10ms}}"]))
            try await place.withSmallDisk("disk", megabytes: 2) {
                let full = try await place.backfill("run", "spec.yaml", "--state", "disk/state")
                #expect(full.status == .exit(1), "\(full.all)")
                #expect(full.notes.contains("disk is full"), "\(full.notes)")
                expectPlainWords(full)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: place.file("disk/state/results").path).isEmpty
                )
                let run = try #require(
                    try JSONResult(try await place.backfill("list", "--json", "--state", "disk/state"))[0]["run"][
                        "run_id"
                    ].text
                )

                try await mount("-o", "remount,size=64m", place.file("disk").path)
                expectComplete(try await place.backfill("resume", run, "--state", "disk/state"))
                #expect(try await place.count("person", of: "target.sqlite") == 60_000)
            }
        }
    }

    @Test("A target without room: exit 1, and with room resume completes it")
    func fullTarget() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 60_000)
            try place.write(
                SpecFile(
                    sinks: [SpecFile.append("person", in: "disk/target.sqlite"), SpecFile.file("disk/out.ndjson")],
                    more: ["buckets: 4", "batch: 1000", SpecFile.fewAttempts]
                )
            )
            try await place.withSmallDisk("disk", megabytes: 4) {
                let full = try await place.backfill("run", "spec.yaml")
                let run = try await place.newestRun()
                #expect(full.status == .exit(1), "\(full.all)")
                #expect(full.notes.contains("full") || full.notes.contains("No space left"), "\(full.notes)")
                #expect(full.lastNote.hasPrefix("next: backfill resume \(run)"))
                expectPlainWords(full)

                try await mount("-o", "remount,size=64m", place.file("disk").path)
                expectComplete(try await place.backfill("resume", run))
                let source = try await place.records(of: "person", in: "source.sqlite")
                let isSame = try await place.records(of: "person", in: "disk/target.sqlite") == source
                #expect(isSame)
                #expect(try place.objects("disk/out.ndjson").count == 60_000)
            }
        }
    }

    @Test("A target, a file or a state folder on a read-only disk is refused before anything is begun")
    func readOnly() async throws {
        try await Workplace.with { place in
            try await place.makeSource(records: 10)
            try await place.withSmallDisk("disk", megabytes: 4) {
                try await place.execute(
                    "CREATE TABLE person (id INTEGER PRIMARY KEY, name, note, score)",
                    on: "disk/target.sqlite"
                )
                try await mount("-o", "remount,ro", place.file("disk").path)
                for sink in [
                    SpecFile.upsert("person", in: "disk/target.sqlite"),
                    SpecFile.upsert("person", in: "disk/new.sqlite"), SpecFile.file("disk/out.csv"),
                ] {
                    try place.write(SpecFile(sinks: [sink]))
                    let end = try await place.backfill("run", "spec.yaml")
                    expectError(end, exit: 2, place.file("disk").path)
                    #expect(!place.exists(".backfill"))
                }
                try place.write(SpecFile())
                expectError(
                    try await place.backfill("run", "spec.yaml", "--state", "disk/state"),
                    exit: 2,
                    "disk/state"
                )
                #expect(!place.exists("target.sqlite"))
            }
        }
    }
}

extension Workplace {
    /// Calls with a disk of that size mounted below the folder, and takes it off again.
    fileprivate func withSmallDisk(_ name: String, megabytes: Int, _ body: () async throws -> Void) async throws {
        try FileManager.default.createDirectory(at: file(name), withIntermediateDirectories: false)
        try await mount("-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", file(name).path)
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        try await systemCommand("/usr/bin/umount", ["-l", file(name).path])
        try result.get()
    }
}

private func mount(_ arguments: String...) async throws { try await systemCommand("/usr/bin/mount", arguments) }

private func systemCommand(_ path: String, _ arguments: [String]) async throws {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let status = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    try #require(status == 0, "\(path) \(arguments)")
}
