import ArgumentParser
import DatabaseTools
import PoolServer
import Testing

@testable import dbtool

@Suite("The keys of the pool's configuration")
struct PoolConfigKeyTests {
  @Test("every default fits its own key and is served", arguments: PoolKeys.scalars.map(\.name))
  func defaults(name: String) throws {
    let key = PoolKeys.scalar(name)
    guard let fallback = key.fallback else { return }
    let value = try key.value(ofText: fallback)
    #expect(key.limit?.values.contains(value.plainText) ?? true)
  }

  @Test("without any word the settings are the defaults that the server has itself")
  func defaultSettings() throws {
    let ours = try configuration().settings
    var plain = PoolSettings(target: ours.target, users: ours.users)
    plain.http = nil
    // The keys once more, as SHOW CONFIG tells them.
    plain.console = ours.console
    // Not a default: the URL's.
    plain.probeDatabase = "shop"
    var rest = ours
    rest.http = nil
    #expect("\(rest)" == "\(plain)")
    #expect(ours.http?.host == "127.0.0.1")
    #expect(ours.http?.port == 9137)
  }

  @Test("every key has a flag, and its value arrives", arguments: PoolKeys.scalars.map(\.name))
  func flag(name: String) throws {
    let key = PoolKeys.scalar(name)
    let text = key.fallback.flatMap { $0.isEmpty ? nil : $0 } ?? "7"
    let flags = try PoolFlags.parse(["--\(key.flag)=\(text)"])
    #expect(flags.given.map(\.key.name) == [name])
    #expect(flags.given.map(\.text) == [text])
  }

  @Test("flag and variable are the key with other joints")
  func names() {
    let key = PoolKeys.scalar("tls.cert_file")
    #expect(key.flag == "tls-cert-file")
    #expect(key.variable == "DBTOOL_POOL_TLS_CERT_FILE")
  }

  @Test("keys, flags and variables are each there once")
  func unique() {
    for names in [
      PoolKeys.scalars.map(\.name), PoolKeys.scalars.map(\.flag), PoolKeys.scalars.map(\.variable),
    ] {
      #expect(Set(names).count == names.count)
    }
  }

  @Test("flag goes before variable before file before default")
  func precedence() throws {
    let file = "[pool]\nborrow_timeout = \"4s\""
    let variable = shopURL.merging(["DBTOOL_POOL_BORROW_TIMEOUT": "3s"]) { $1 }
    let flags = try PoolFlags.parse(["--borrow-timeout", "2s"]).values()
    #expect(try configuration(file, flags: flags, environment: variable).settings.borrowTimeout == 2_000)
    #expect(try configuration(file, environment: variable).settings.borrowTimeout == 3_000)
    #expect(try configuration(file).settings.borrowTimeout == 4_000)
    #expect(try configuration().settings.borrowTimeout == 120_000)
  }

  @Test("of a flag given twice the last counts; a list takes all")
  func repeated() throws {
    let flags = try PoolFlags.parse([
      "--borrow-timeout", "1s", "--borrow-timeout", "2s", "--listen", "a:1,b:2", "--listen", "c:3",
    ]).values()
    #expect(flags["borrow_timeout"] == .milliseconds(2_000))
    #expect(flags["listen"] == .list(["a:1", "b:2", "c:3"]))
  }

  @Test("a wrong flag is a wrong command line, a wrong variable is not")
  func status() {
    #expect(throws: (any Error).self) { try PoolFlags.parse(["--borow-timeout", "1s"]) }
    #expect {
      try PoolFlags.parse(["--borrow-timeout", "soon"]).values()
    } throws: {
      ($0 as? Failure)?.exitCode == 64
        && ($0 as? Failure)?.what == #"--borrow-timeout takes a duration, not "soon""#
    }
    let variable = failure("", environment: shopURL.merging(["DBTOOL_POOL_MAX_REPLICA_LAG": "2s"]) { $1 })
    #expect(variable?.what == "DBTOOL_POOL_MAX_REPLICA_LAG=2s is not served yet")
    #expect(variable?.exitCode == 1)
  }

  @Test("a misspelt variable is told, a Kubernetes service's variables are not")
  func strangeVariables() throws {
    let strange = [
      "DBTOOL_POOL_BOROW_TIMEOUT": "1", "DBTOOL_POOL_UNLIKE_ANY": "1",
      "DBTOOL_POOL_PORT": "tcp://10.0.0.1:6432",
      "DBTOOL_POOL_PORT_6432_TCP_ADDR": "10.0.0.1", "DBTOOL_POOL_SERVICE_HOST": "10.0.0.1",
    ]
    let notes = try configuration(environment: shopURL.merging(strange) { $1 }).notes
    #expect(
      notes == [
        "DBTOOL_POOL_BOROW_TIMEOUT is no variable of the pool; did you mean DBTOOL_POOL_BORROW_TIMEOUT?",
        "DBTOOL_POOL_UNLIKE_ANY is no variable of the pool",
      ])
  }

  @Test("an empty variable is as good as none, except where empty means something")
  func emptyVariables() throws {
    let empty = ["DBTOOL_POOL_MAX_CONNECTIONS": "", "DBTOOL_POOL_HTTP_LISTEN": ""]
    let settings = try configuration(environment: shopURL.merging(empty) { $1 }).settings
    #expect(settings.maxConnections == nil)
    #expect(settings.http == nil)
  }

  @Test(
    "a near miss finds the word that was meant, a far one none",
    arguments: [
      ("borow_timeout", "borrow_timeout"), ("borrow_timeuot", "borrow_timeout"),
      ("borrowtimeout", "borrow_timeout"),
      ("lisen", "listen"), ("colour", nil), ("x", nil),
    ])
  func suggestions(given: String, meant: String?) {
    #expect(Suggestion.nearest(to: given, among: PoolKeys.scalars.map(\.name)) == meant)
  }
}
