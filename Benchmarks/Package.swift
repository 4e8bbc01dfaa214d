// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// A package of its own, so that what it depends on reaches no user of the toolkit.
let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "backfill", path: ".."),
        // Without its traits: what counts allocations is not measured here.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "Pieces",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "Workflows", package: "backfill"),
                .product(name: "WorkflowEngine", package: "backfill"),
                .product(name: "WorkflowTesting", package: "backfill"),
                .product(name: "PubSub", package: "backfill"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            path: "Benchmarks/Pieces",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        )
    ],
    swiftLanguageModes: [.v6]
)
