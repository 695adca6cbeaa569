import Foundation

/// An authority and certificates of its own in a folder, made anew for each run by the `openssl` program.
final class TestCertificates {
  let folder: URL
  /// The authority's certificate, which clients trust.
  var authority: String { file("ca.crt") }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "dbtool tls \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try openssl(
      ["req", "-x509", "-new"] + Self.key("ca") + ["-out", "ca.crt", "-subj", "/CN=test authority"])
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func file(_ name: String) -> String { folder.appending(path: name).path }

  func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

  /// Makes `NAME.crt` and `NAME.key`, signed by the authority.
  /// - Parameters:
  ///   - hosts: as OpenSSL writes them: `DNS:localhost`, `IP:127.0.0.1`.
  ///   - days: from now on; -1: it expired yesterday.
  func make(_ name: String, commonName: String, hosts: String = "DNS:unused.test", days: Int = 2) throws {
    try openssl(["req", "-new"] + Self.key(name) + ["-out", "\(name).csr", "-subj", "/CN=\(commonName)"])
    try Data("subjectAltName=\(hosts)\n".utf8).write(to: folder.appending(path: "\(name).ext"))
    try openssl([
      "x509", "-req", "-in", "\(name).csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
      String(days), "-extfile", "\(name).ext", "-out", "\(name).crt",
    ])
  }

  private static func key(_ name: String) -> [String] {
    ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "\(name).key"]
  }

  struct Failed: Error { let words: String }

  private func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.currentDirectoryURL = folder
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let words = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(words: String(decoding: words, as: UTF8.self)) }
  }
}
