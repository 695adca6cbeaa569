// swift-tools-version: 6.2
import PackageDescription

// The graph is docs/architecture.md's: arrows point down only. The pure targets import the standard
// library and each other, nothing else; Tests/ArchitectureTests reads the import lines to keep it so.

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let package = Package(
  name: "dbtool",
  products: [.executable(name: "dbtool", targets: ["dbtool"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    // 0: system libraries and syscall shims
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CLinux"),

    // 1: pure rules
    library("SQLText"),
    library("PostgresWire"),
    library("Migrations", ["SQLText"]),
    library("SeedData"),

    // 2
    library("PoolCore", ["PostgresWire", "SQLText"]),
    library("LibPQ", ["CLibPQ"]),

    // 3
    library(
      "DatabaseTools",
      ["LibPQ", "Migrations", "SeedData", "SQLText", "CLinux", .product(name: "TOMLKit", package: "TOMLKit")]),
    library(
      "PoolServer",
      [
        "PoolCore", "PostgresWire", "CLinux", "COpenSSL",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      // Bytes within the executable: no file lies beside it.
      resources: [.embedInCode("HTTP/status.html")]),
    library("StorefrontLoad", ["PoolServer", "PostgresWire", "CLinux"]),

    // 4
    .executableTarget(
      name: "dbtool",
      dependencies: [
        "DatabaseTools", "LibPQ", "Migrations", "PoolCore", "PoolServer", "PostgresWire", "StorefrontLoad",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ],
      swiftSettings: strict),

    // Tests mirror the targets. The integration tests start their own PostgreSQL and run the built binary.
    .target(
      name: "TestSupport", dependencies: ["DatabaseTools", "LibPQ"], path: "Tests/Support",
      swiftSettings: strict),
    tests("ArchitectureTests", []),
    tests("SQLTextTests", ["SQLText"]),
    tests("PostgresWireTests", ["PostgresWire"]),
    tests("MigrationsTests", ["Migrations", "SQLText"]),
    tests("SeedDataTests", ["SeedData"]),
    tests("PoolCoreTests", ["PoolCore", "PostgresWire"]),
    tests("LibPQTests", ["LibPQ"]),
    tests("DatabaseToolsTests", ["DatabaseTools", "LibPQ"]),
    tests(
      "PoolServerTests",
      [
        "PoolServer", "PoolCore", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    tests("StorefrontLoadTests", ["StorefrontLoad", "PoolServer", "PostgresWire"]),
    tests(
      "DBToolTests",
      [
        "dbtool", "DatabaseTools", "PoolServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    tests(
      "IntegrationTests",
      ["TestSupport", "DatabaseTools", "LibPQ", "Migrations", "SQLText", "dbtool"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
