import PoolCore
import Testing

@Suite("Rules in the form of pg_hba.conf") struct AccessRulesTests {
  private func method(
    _ rules: AccessRules, _ user: String = "app", _ database: String = "shop",
    from address: String? = "10.1.2.3",
    encrypted: Bool = false, replication: Bool = false
  ) -> AccessRules.Method? {
    var visitor = AccessRules.Visitor(
      user: user, database: database, address: address.flatMap { NetworkAddress($0) }, isEncrypted: encrypted)
    visitor.isReplication = replication
    return rules.rule(for: visitor)?.method
  }

  @Test("the first rule that fits decides; where none fits, nobody comes in")
  func order() throws {
    let rules = try AccessRules(
      """
      # TYPE  DATABASE  USER  ADDRESS       METHOD
      host    shop      app   10.1.0.0/16   md5       # a comment
      hostssl all       all   10.0.0.0/8    scram-sha-256
      host    all       all   0.0.0.0/0     reject
      local   sameuser  all                 peer
      """)
    #expect(method(rules) == .md5)
    #expect(method(rules, "other") == .reject)
    #expect(method(rules, "other", encrypted: true) == .scram)
    #expect(method(rules, from: "::ffff:10.1.2.3") == .md5)
    #expect(method(rules, from: "2001:db8::1") == nil)
    #expect(method(rules, "app", "app", from: nil) == .peer)
    #expect(method(rules, "app", "shop", from: nil) == nil)
    #expect(method(rules, replication: true) == nil)
  }

  @Test("names may be quoted, listed with commas, and then keywords are names")
  func names() throws {
    let rules = try AccessRules(
      """
      host "all","my db" a, "b ""c"" d" 1.2.3.4 255.255.255.255 md5
      hostnossl replication all ::1/128 scram-sha-256
      """)
    #expect(method(rules, "a", "all", from: "1.2.3.4") == .md5)
    #expect(method(rules, "b \"c\" d", "my db", from: "1.2.3.4") == .md5)
    #expect(method(rules, "a", "shop", from: "1.2.3.4") == nil)
    #expect(method(rules, "a", "all", from: "1.2.3.5") == nil)
    #expect(method(rules, "a", "x", from: "::1", replication: true) == .scram)
    #expect(method(rules, "a", "x", from: "::1", encrypted: true, replication: true) == nil)
  }

  @Test(
    "what cannot be understood is told by line, and never skipped",
    arguments: [
      "hosts all all all md5", "host all all", "host", "host all", "host all all all", "host all all all foo",
      "host all all 10.0.0.0 md5", "host all all 10.0.0.0/33 md5", "host all all 10.0.0.256/8 md5",
      "host all all example.com md5", "host all all samenet md5", "host all +group all md5",
      "host samerole all all md5", "host all @file all md5", "local all all peer map=x",
      "host all all all trust",
      "host all all all cert", "host all \"a all md5", "host all a, all md5 md5 md5",
      "host all all 1.2.3.4 255.0.255.0 md5",
      "host all all all md5,peer",
    ])
  func faults(line: String) {
    let error = #expect(throws: AccessFileFault.self) { try AccessRules("local all all peer\n\(line)") }
    #expect(error?.line == 2)
  }

  @Test(
    "a network holds the addresses that begin like it",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
      ("10.1.2.129/25", "10.1.2.254", true),
      ("10.1.2.129/25", "10.1.2.1", false), ("0.0.0.0/0", "255.1.2.3", true), ("0.0.0.0/0", "::1", false),
      ("::/0", "::ffff:1.2.3.4", false), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
      ("2001:db8::/33", "2001:db8:7fff::", true),
      ("2001:db8::/33", "2001:db8:8000::", false), ("::1", "::1", true), ("1.2.3.4/32", "1.2.3.4", true),
    ])
  func networks(network: String, address: String, holds: Bool) throws {
    #expect(try #require(Network(network)).contains(try #require(NetworkAddress(address))) == holds)
  }

  @Test(
    "addresses are read as RFC 4291 has them and written as RFC 5952 has them",
    arguments: [
      ("1.2.3.4", "1.2.3.4"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
      ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:1.2.3.4", "1.2.3.4"),
      ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
      ("1.2.3", nil), ("1.2.3.4.5", nil), ("1.2.3.400", nil), ("1:2:3:4:5:6:7", nil), ("1::2::3", nil),
      (":::", nil),
      ("1:2:3:4:5:6:7:8:9", nil), ("12345::", nil), ("::g", nil), ("", nil), ("+1.2.3.4", nil),
      ("fe80::1%eth0", nil),
      (":1:2:3:4:5:6:7", nil), ("1:2:3:4:5:6:7::8", nil),
    ])
  func addresses(text: String, written: String?) {
    #expect(NetworkAddress(text)?.description == written)
  }

  @Test("no text makes the readers fail in another way than by saying so")
  func anything() {
    var random = SystemRandomNumberGenerator()
    let pieces = [
      "host", "local", " ", " ", "all", ",", "\"", "/", "::", ".", "1", "ffff", "md5", "#", "\u{0}", "é", "-",
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0..<14, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }
      .joined()
      _ = NetworkAddress(text)
      _ = Network(text)
      _ = try? AccessRules(text)
      _ = try? UserList(text)
    }
  }
}
