// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that nobody builds a fuzzer who does not want one. The properties are no library: `swift test` of the package
// above compiles the same files into a test that replays the corpus.
let package = Package(
    name: "fuzzing",
    dependencies: [
        .package(name: "backfill", path: "../.."),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "fuzz",
            dependencies: ["Workflows", "WorkflowEngine", "SQLConnectors", "BackfillKit"].map {
                .product(name: $0, package: "backfill")
            } + [.product(name: "GRDBSQLite", package: "GRDB.swift")],
            path: ".",
            exclude: ["Corpus", "Properties/Replay"],
            sources: ["Properties", "Fuzz"],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
