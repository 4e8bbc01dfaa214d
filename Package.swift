// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// What only the Temporal engine needs is neither fetched nor built unless somebody asks for it: swift build --traits Temporal
let temporal: TargetDependencyCondition? = .when(traits: ["Temporal"])
let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2", condition: temporal),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport", condition: temporal),
    .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf", condition: temporal),
    .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: temporal),
    .product(name: "NIOCore", package: "swift-nio", condition: temporal),
    .product(name: "NIOTLS", package: "swift-nio", condition: temporal),
    .product(name: "NIOSSL", package: "swift-nio-ssl", condition: temporal),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let http: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nio = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { Target.Dependency.product(name: $0, package: "swift-nio") }
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto", condition: temporal)
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "backfill",
    products: [
        .library(name: "Workflows", targets: ["Workflows"]),
        .library(name: "WorkflowEngine", targets: ["WorkflowEngine"]),
        .library(name: "WorkflowTesting", targets: ["WorkflowTesting"]),
        .library(name: "PubSub", targets: ["PubSub"]),
        .library(name: "SQLConnectors", targets: ["SQLConnectors"]),
        .library(name: "BackfillKit", targets: ["BackfillKit"]),
        .library(name: "TemporalEngine", targets: ["TemporalEngine"]),
        .executable(name: "backfill", targets: ["backfill"]),
    ],
    traits: [.trait(name: "Temporal", description: "Runs workflows on a Temporal cluster, over gRPC.")],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.36.0"),
        .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.2"),
        .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .target(name: "Workflows", swiftSettings: strict),
        .target(
            name: "WorkflowEngine",
            dependencies: ["Workflows", "Checksum", grdb, sqlite, deque, heap, logging],
            swiftSettings: strict
        ),
        .target(
            name: "TemporalEngine",
            dependencies: ["Workflows", crypto, deque, logging] + grpc,
            exclude: ["Protocol/temporal.proto", "Protocol/generate.sh"],
            swiftSettings: strict
        ),
        // Shared by the engine's journal and staged files; no product.
        .target(name: "Checksum", swiftSettings: strict),
        .target(
            name: "WorkflowTesting",
            dependencies: ["Workflows", "WorkflowEngine", logging],
            swiftSettings: strict
        ),
        .target(name: "PubSub", dependencies: [deque, heap], swiftSettings: strict),
        .target(name: "CSQLiteTuning", linkerSettings: [.linkedLibrary("sqlite3")]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(
            name: "SQLConnectors",
            dependencies: ["Checksum", grdb, sqlite, "CSQLiteTuning", "CLibPQ"],
            swiftSettings: strict
        ),
        .target(
            name: "BackfillKit",
            dependencies: ["Workflows", "PubSub", "SQLConnectors", deque, grdb, logging, metrics, yams, http, tls]
                + nio,
            // The statements of queries/, linked in so that `stats` runs the very files that people read.
            resources: ["progress", "progress-by-query", "progress-by-bucket", "progress-by-executor"].map {
                .embedInCode("Progress/SQL/\($0).sql")
            },
            swiftSettings: strict
        ),
        .executableTarget(
            name: "backfill",
            dependencies: [
                "BackfillKit", "WorkflowEngine", "TemporalEngine", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Rainbow", package: "Rainbow"),
                .product(name: "TextTable", package: "TextTable"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WorkflowEngineTests",
            dependencies: [
                "Workflows", "WorkflowEngine", "WorkflowTesting", "TemporalEngine", "TestSupport", grdb, logging,
            ],
            exclude: ["Histories"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TemporalEngineTests",
            dependencies: [
                "Workflows", "TemporalEngine", "TestSupport", logging,
                .product(name: "NIOEmbedded", package: "swift-nio", condition: temporal),
            ] + grpc,
            swiftSettings: strict
        ),
        // What several test targets share; no product.
        .target(name: "TestSupport", dependencies: [tls] + nio, path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "SQLConnectorsTests",
            dependencies: ["SQLConnectors", "Checksum", "TestSupport", grdb, sqlite],
            swiftSettings: strict
        ),
        .testTarget(name: "PubSubTests", dependencies: ["PubSub", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "BackfillKitTests",
            dependencies: [
                "BackfillKit", "SQLConnectors", "PubSub", "Workflows", "WorkflowEngine", "WorkflowTesting",
                "TemporalEngine", "TestSupport", grdb, logging,
            ] + nio,
            exclude: ["Histories"],
            swiftSettings: strict
        ),
        // The properties of the fuzzer, which is a package of its own, on the inputs that it has found.
        .testTarget(
            name: "FuzzingTests",
            dependencies: ["Workflows", "WorkflowEngine", "SQLConnectors", "BackfillKit", "TestSupport", sqlite],
            path: "Tests/Fuzzing/Properties",
            swiftSettings: strict
        ),
        .testTarget(name: "AcceptanceTests", dependencies: ["backfill", "TestSupport", grdb], swiftSettings: strict),
        // Not a product: an example that the build keeps honest.
        .executableTarget(
            name: "SubscriberExample",
            dependencies: ["BackfillKit", "PubSub", "SQLConnectors", "WorkflowEngine", logging],
            path: "samples/subscriber",
            swiftSettings: strict
        ),
        // Not a product: what Benchmarks/temporal.sh builds for release and runs.
        .executableTarget(
            name: "noop-on-temporal",
            dependencies: ["Workflows", "TemporalEngine", logging],
            path: "Benchmarks/TemporalNoop",
            swiftSettings: strict
        ),
        // Stands in for the system's threads, clocks, dice and disk where the simulation runs.
        .target(name: "SimulatedSystem", path: "Tests/SimulatedSystem"),
        .target(
            name: "Simulation",
            dependencies: [
                "BackfillKit", "WorkflowEngine", "WorkflowTesting", "Workflows", "PubSub", "SQLConnectors",
                "SimulatedSystem", "TestSupport", grdb, logging,
            ],
            path: "Tests/Simulation",
            swiftSettings: strict
        ),
        // Not a product: what Tests/simulation.sh builds for release and runs.
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Simulation", "SQLConnectors", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Simulate",
            swiftSettings: strict
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "BackfillKit", "WorkflowEngine", "Workflows", "PubSub", "SQLConnectors", "Simulation", "TestSupport",
                grdb,
            ],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
