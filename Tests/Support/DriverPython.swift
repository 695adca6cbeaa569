private import Foundation

/// The Python that has the PostgreSQL drivers psycopg2, psycopg and asyncpg, as `scripts/setup.sh --tests` leaves it.
package enum DriverPython {
  /// Debian's, when its packages have them all, else the checkout's own; nil when neither has.
  package static let path: String? = {
    // Tests/Support/DriverPython.swift → the checkout.
    let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return ["/usr/bin/python3", checkout.appending(path: ".build/venv/bin/python").path].first {
      has(drivers: $0)
    }
  }()

  private static func has(drivers path: String) -> Bool {
    guard FileManager.default.isExecutableFile(atPath: path) else { return false }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = ["-c", "import psycopg2, psycopg, asyncpg"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
