// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: Swift 6 mode, warnings are errors, and the upcoming features that show what leaks.
let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: house)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies + ["TestSupport"], swiftSettings: house)
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .target(name: "CShims"),
    .target(name: "CCurlShims", dependencies: ["CCurl"]),
    .target(name: "CPages", exclude: ["front", "dashboard", "shared"]),
]

// Arrows go down only: a target names what it stands on.
let libraries: [Target] = [
    .target(name: "Model", swiftSettings: house, linkerSettings: [.linkedLibrary("m")]),
    library("HTTPTypes"),
    library("Observability"),
    library("Digests", ["CSSL", "CZlib"]),
    library("Pages", ["HTTPTypes", "Digests", "CPages"]),
    library("YAML", ["CYAML"]),
    library("Reactor", ["CShims"]),
    library("HTTPServer", ["Reactor", "HTTPTypes", "Observability", "CShims"]),
    library("HTTPRelay", ["Reactor", "HTTPTypes", "Observability", "CShims"]),
    library("HTTPClient", ["Reactor", "HTTPTypes", "Observability", "CCurl", "CCurlShims"]),
    library("SQL", ["Reactor", "Observability", "CPostgres", "CSQLite"]),
    library("NodeODM", ["HTTPClient", "HTTPTypes", "Model"]),
    library("Storage", ["Reactor", "HTTPClient", "HTTPTypes", "Digests", "Model", "CArchive", "CExpat", "CShims"]),
    library("Record", ["SQL", "Model", "Observability", "Reactor"]),
    library("Configuration", ["YAML", "Model", "Observability"]),
    library("Scheduling", ["Model"]),
    library(
        "Backends",
        ["NodeODM", "Storage", "HTTPClient", "HTTPTypes", "Reactor", "Model", "Observability", "Digests"],
        resources: ["download.sh", "process.py", "upload.py", "finish.sh"].map { .embedInCode("Argo/Scripts/\($0)") }),
    library(
        "Gateway",
        [
            "Scheduling", "Record", "SQL", "Configuration", "Backends", "Storage", "NodeODM", "HTTPServer", "HTTPRelay",
            "HTTPClient", "HTTPTypes", "Reactor", "Model", "Observability", "Digests", "YAML", "Pages", "CShims",
        ]),
]

let programs: [Target] = [
    program(
        "scaleodm",
        [
            "Gateway", "Configuration", "YAML", "NodeODM", "HTTPClient", "HTTPTypes", "Reactor", "Model", "Storage",
            "Observability", "Record", "Digests", "CShims",
        ]),
    program(
        "NodeODMSimulator",
        ["HTTPServer", "HTTPTypes", "Reactor", "NodeODM", "Digests", "Observability", "Model", "CArchive"]),
]

let testTargets: [Target] = [
    .target(
        name: "TestSupport", dependencies: ["Reactor", "SQL", "HTTPTypes", "Digests", "Record", "Model"],
        path: "Tests/TestSupport", swiftSettings: house),
    .executableTarget(
        name: "Simulation",
        dependencies: [
            "Gateway", "Backends", "Record", "NodeODM", "Model", "Reactor", "SQL", "Scheduling", "Storage",
            "Observability",
            "TestSupport",
        ], path: "Tests/Simulation", swiftSettings: house),
    tests("Reactor", ["Reactor"]),
    tests(
        "Backends",
        ["Backends", "NodeODM", "HTTPClient", "HTTPTypes", "Reactor", "Model", "Observability", "Storage", "Digests"]),
    tests("Record", ["Record", "SQL", "Model"]),
    tests(
        "Gateway",
        [
            "Gateway", "Backends", "Record", "NodeODM", "Model", "Reactor", "SQL", "Scheduling", "Storage",
            "Configuration", "YAML", "HTTPClient", "HTTPTypes", "HTTPServer", "HTTPRelay", "Observability", "Digests",
        ]),
    tests("Observability", ["Observability"]),
    tests("Pages", ["Pages", "HTTPTypes", "Digests"]),
    tests(
        "scaleodm",
        ["scaleodm", "HTTPClient", "HTTPTypes", "NodeODM", "Reactor", "Model", "Configuration", "Observability"]),
    tests("YAML", ["YAML"]),
    tests("Configuration", ["Configuration", "YAML", "Model", "Observability"]),
    tests("Digests", ["Digests"]),
    tests("NodeODMSimulator", ["NodeODMSimulator", "NodeODM", "Model", "Reactor"]),
    tests("NodeODM", ["NodeODM", "Model", "HTTPClient", "HTTPTypes", "Reactor"]),
    tests("Storage", ["Storage", "Reactor", "Digests", "Model", "HTTPClient", "HTTPTypes"]),
    tests("Scheduling", ["Scheduling", "Model"]),
    tests("SQL", ["SQL", "Reactor"]),
    tests("HTTPTypes", ["HTTPTypes"]),
    tests("HTTPServer", ["HTTPServer", "HTTPTypes", "Reactor"]),
    tests("HTTPRelay", ["HTTPRelay", "HTTPTypes", "Reactor"]),
    tests("HTTPClient", ["HTTPClient", "HTTPTypes", "Reactor"]),
]

let package = Package(
    name: "scaleodm",
    products: [
        .executable(name: "scaleodm", targets: ["scaleodm"]),
        .executable(name: "NodeODMSimulator", targets: ["NodeODMSimulator"]),
    ],
    targets: systemLibraries + libraries + programs + testTargets,
    swiftLanguageModes: [.v6]
)
