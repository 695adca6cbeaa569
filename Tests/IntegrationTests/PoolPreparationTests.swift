import DatabaseTools
import LibPQ
import PoolServer
import PostgresWire
import TestSupport
import Testing

@Suite("Passwords beyond ASCII, as PostgreSQL hashes them") struct PoolPreparationTests {
  /// Characters that are mapped, composed, dropped, prohibited or unknown to Unicode 3.2, and ordinary ones.
  private static let ranges: [ClosedRange<UInt32>] = [
    0x20...0x7E, 0x20...0x7E, 0xA0...0x17F, 0xA0...0x233, 0x300...0x36F, 0x300...0x330, 0x391...0x3C9,
    0x410...0x44F,
    0x591...0x5F4, 0x621...0x6D5, 0x900...0x970, 0x1100...0x11FF, 0x1E00...0x1EF9, 0x1F00...0x1FFE,
    0x2000...0x2063,
    0x2100...0x218F, 0x2460...0x24E9, 0x3000...0x30FF, 0x3200...0x33FF, 0xAC00...0xD7A3, 0xF900...0xFA2D,
    0xFB00...0xFDFB, 0xFE70...0xFEFC, 0xFF01...0xFFE6, 0x1D400...0x1D7FF, 0x2F800...0x2FA1D, 0x80...0x9F,
    0x1F600...0x1F64F, 0xE000...0xE010,
  ]

  private func password(_ random: inout some RandomNumberGenerator) -> String {
    var text = String.UnicodeScalarView()
    // Mostly of few kinds, so that not each has something that is prohibited.
    let kinds = (0..<Int.random(in: 1...2, using: &random)).map { _ in
      Self.ranges.randomElement(using: &random) ?? 0x61...0x7A
    }
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let range = kinds.randomElement(using: &random) ?? 0x61...0x7A
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
    }
    return String(text)
  }

  @Test("the verifiers of random passwords are PostgreSQL's own")
  func verifiers() throws {
    try SharedPostgres.withDatabase { server in
      let direct = try server.connect()
      var random = SystemRandomNumberGenerator()
      let role = "prepared_\(UInt32.random(in: 0...UInt32.max, using: &random))"
      try direct.execute("CREATE ROLE \(role)")
      defer { try? direct.execute("DROP ROLE \(role)") }
      for _ in 0..<150 {
        let password = password(&random)
        let quoted = password.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined()
        try direct.execute("ALTER ROLE \(role) PASSWORD '\(quoted)'")
        let stored = try direct.query("SELECT rolpassword FROM pg_authid WHERE rolname = '\(role)'").first
        let theirs = try #require(stored.flatMap { ScramVerifier($0) })
        let ours = try ScramVerifier(
          password: password, salt: theirs.salt, iterations: theirs.iterations, hash: .openSSL)
        #expect(ours == theirs, "\(password.unicodeScalars.map { String($0.value, radix: 16) })")
      }
    }
  }

  @Test(
    "a client logs in by libpq, and the pool at the server, however the password is written",
    arguments: ["\u{2168}", "a\u{A0}b", "I\u{AD}X", "e\u{301}t\u{E9}", "\u{FB01}n\u{212B}"])
  func logins(password: String) throws {
    try EncryptedPostgres.with { server, _ in
      let direct = try server.connect()
      try direct.execute("CREATE ROLE foreign_word LOGIN PASSWORD '\(password)'")
      var target = server
      target.user = "foreign_word"
      target.password = Secret(password)
      try PoolProcess.with(target) { pool in
        #expect(try pool.connect().query("SELECT current_user").first == "foreign_word")
        let way = try PoolProgram.driver(
          "password_login.py", ["foreign_word", password], databaseURL: pool.target.testURL
        ).finish()
        #expect(way.status == 0, "\(way.output)")
      }
    }
  }
}
