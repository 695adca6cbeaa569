import Foundation
import Testing

/// The house rule that docs/architecture.md draws: arrows point down only, and pure targets import nothing else.
@Suite("The import lines keep the architecture") struct ImportTests {
  static let sources = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources")

  /// What each target may import. Pure targets name only each other.
  static let allowed: [String: Set<String>] = [
    "SQLText": [],
    "PostgresWire": [],
    "SeedData": [],
    "Migrations": ["SQLText"],
    "PoolCore": ["PostgresWire", "SQLText"],
    "LibPQ": ["CLibPQ", "Glibc"],
    "DatabaseTools": [
      "LibPQ", "Migrations", "SQLText", "SeedData", "CLinux", "Glibc", "TOMLKit", "FoundationEssentials",
      "Synchronization",
    ],
    "PoolServer": [
      "PoolCore", "PostgresWire", "CLinux", "COpenSSL", "Glibc", "Logging", "NIOCore", "NIOPosix", "NIOHTTP1",
      "Synchronization",
    ],
    "StorefrontLoad": ["PoolServer", "PostgresWire", "CLinux", "Glibc", "Synchronization"],
    "dbtool": [
      "DatabaseTools", "LibPQ", "Migrations", "PoolCore", "PoolServer", "PostgresWire", "StorefrontLoad",
      "ArgumentParser",
      "Logging", "TOMLKit", "Glibc", "CLinux", "FoundationEssentials", "Synchronization",
    ],
  ]

  static func files(of target: String) -> [URL] {
    let folder = sources.appending(path: target)
    let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (found?.allObjects ?? []).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
  }

  static func imports(in file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index <= 2, words.count > index + 1,
        words.prefix(index).allSatisfy({ $0 == "package" || $0 == "internal" || $0.hasPrefix("@") })
      else { return nil }
      // `import struct Module.Name` names the kind first.
      let kinds: Set<Substring> = ["struct", "class", "enum", "func", "var", "let", "protocol", "typealias"]
      let name = kinds.contains(words[index + 1]) ? words[index + 2] : words[index + 1]
      return String(name.split(separator: ".")[0])
    }
  }

  @Test("no target imports what lies above it or beside it", arguments: allowed.keys.sorted())
  func arrowsPointDown(target: String) throws {
    let files = Self.files(of: target)
    #expect(!files.isEmpty, "the target has no files: the table here is out of date")
    for file in files {
      for module in try Self.imports(in: file) {
        #expect(
          Self.allowed[target]?.contains(module) == true,
          "\(file.lastPathComponent) of \(target) imports \(module)")
      }
    }
  }

  @Test("every target is in the table")
  func tableIsComplete() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
    #expect(Set(folders).subtracting(["CLibPQ", "COpenSSL", "CLinux"]) == Set(Self.allowed.keys))
  }

  /// Each of these says its invariants in comments.
  static let unsafeFilesOfThePool: Set<String> = [
    "BackendSlot", "ByteQueue", "OpenSSLHash", "PoolLoop", "PoolLoop+BackendLogin", "PoolLoop+BackendTLS",
    "PoolLoop+BackendTraffic", "PoolLoop+Borrow", "PoolLoop+Cancel", "PoolLoop+ClientSends",
    "PoolLoop+BackendMessages", "PoolLoop+BackendSends", "PoolLoop+IdleClients",
    "PoolLoop+Losses",
    "PoolLoop+ClientLogin",
    "PoolLoop+ClientTLS",
    "PoolLoop+ClientTraffic", "PoolLoop+Replication", "PoolLoop+Ring",
    "Poller", "Ring", "RingConnections", "SendQueue", "Socket", "SocketAddress", "TLSChannel",
    "TLSFailure", "TLSTransport",
  ]

  @Test("the pool's unsafe pointers stay in the files that are known for them")
  func unsafeFilesAreKnown() throws {
    let found = try Self.files(of: "PoolServer").filter { file in
      try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).contains {
        $0.contains("Unsafe") && !$0.drop { $0 == " " }.hasPrefix("//")
      }
    }
    let names = Set(found.map { $0.deletingPathExtension().lastPathComponent })
    #expect(names.isSubset(of: Self.unsafeFilesOfThePool), "\(names.subtracting(Self.unsafeFilesOfThePool))")
  }

  @Test(
    "pure targets hold no unsafe pointer",
    arguments: ["SQLText", "PostgresWire", "SeedData", "Migrations", "PoolCore"])
  func pureTargetsAreSafe(target: String) throws {
    for file in Self.files(of: target) {
      let text = try String(contentsOf: file, encoding: .utf8)
      let code = text.split(whereSeparator: \.isNewline).filter { !$0.drop { $0 == " " }.hasPrefix("//") }
      #expect(!code.contains { $0.contains("Unsafe") }, "\(file.lastPathComponent) of \(target)")
    }
  }
}
