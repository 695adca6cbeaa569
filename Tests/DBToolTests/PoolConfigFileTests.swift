import DatabaseTools
import Foundation
import PoolServer
import Testing

@testable import dbtool

@Suite("The pool's configuration file")
struct PoolConfigFileTests {
  @Test("a whole file becomes settings")
  func whole() throws {
    let settings = try configuration(
      """
      [pool]
      listen = ["127.0.0.1:7000", "[::1]:7001", "unix:/run/dbtool/"]
      http_listen = ""
      max_connections = 85
      max_idle_connections_percent = 20
      borrow_timeout = "3s"
      idle_client_timeout = 90
      init_query = "SET jit = off"
      io = "epoll"

      [pool.tls]
      mode = "disable"

      [[pool.targets]]
      host = "db.internal"
      role = "writer"
      sslmode = "disable"

      [[pool.users]]
      name = "app"
      password = "secret"
      max_connections = 40

      [[pool.users]]
      name = "report"
      password = "other"
      server_user = "reader"

      [[pool.databases]]
      name = "shop"

      [[pool.databases]]
      name = "old"
      target_database = "shop_2019"

      [pool.fleet]
      enabled = false
      """, environment: [:]
    ).settings
    #expect(
      settings.listeners == [
        .tcp(host: "127.0.0.1", port: 7000), .tcp(host: "::1", port: 7001),
        .unix(folder: "/run/dbtool", port: 7000),
      ])
    #expect(settings.http == nil)
    #expect(settings.maxConnections == 85)
    #expect(settings.maxIdleConnectionsPercent == 20)
    #expect(settings.borrowTimeout == 3_000)
    #expect(settings.idleClientTimeout == 90_000)
    #expect(settings.initQuery == "SET jit = off")
    #expect(settings.target.host == "db.internal")
    #expect(settings.target.port == 5432)
    #expect(settings.target.encryption == .disable)
    #expect(settings.users.map(\.name) == ["app", "report"])
    #expect(settings.users.map(\.maxConnections) == [40, 0])
    #expect(settings.users.map(\.serverUser) == [nil, "reader"])
    #expect(
      settings.databases == [.init(name: "shop", target: "shop"), .init(name: "old", target: "shop_2019")])
  }

  @Test(
    "what cannot be followed is told with its place",
    arguments: [
      ("[pool]\nborow_timeout = \"3s\"", 2, 1, "unknown key \"borow_timeout\" in [pool]"),
      ("[pool]\n\n  borrow_timeout = \"3 sec\"", 3, 20, "borrow_timeout takes a duration, not \"3 sec\""),
      ("[pool]\nmax_connections = 0", 2, 19, "max_connections must be from 1 to 262143, not 0"),
      (
        "[pool]\nmax_connections = \"85\"", 2, 19,
        "max_connections takes a whole number from 1 to 262143, not a text"
      ),
      ("[pool]\nlog_format = \"xml\"", 2, 14, "log_format takes one of text, json, not \"xml\""),
      ("[pool]\nlisten = [\"127.0.0.1\"]", 2, 10, "listen has no port in \"127.0.0.1\""),
      ("[pool]\nlisten = []", 2, 10, "listen is empty, so no client could connect"),
      ("[pool]\ncert_file = \"x\"", 2, 1, "unknown key \"cert_file\" in [pool]"),
      ("[pool.tls]\nmod = \"x\"", 2, 1, "unknown key \"mod\" in [pool.tls]"),
      ("[pol]\n", 1, 1, "unknown key \"pol\""),
      ("listen = []\n[pool]", 1, 1, "unknown key \"listen\""),
      ("pool = 1", 1, 1, "pool must be a table"),
      ("[pool]\nusers = 1", 2, 1, "users must be a list of tables"),
      ("[pool]\ntls = true", 2, 1, "tls must be a table"),
      ("[[pool.users]]\nname = \"a\"\npasword = \"b\"", 3, 1, "unknown key \"pasword\" in [[pool.users]]"),
      ("[[pool.users]]\nname = \"a\"", 1, 1, "user \"a\" has no password"),
      ("[[pool.users]]\npassword = \"a\"", 1, 1, "a user has no name"),
      (
        "[[pool.users]]\nname = \"a\"\npassword = \"x\"\n[[pool.users]]\nname = \"a\"\npassword = \"y\"", 5,
        8,
        "user \"a\" is there twice"
      ),
      (
        "[[pool.users]]\nname = \"a\"\npassword = \"x\"\npassword_file = \"y\"", 4, 1,
        "user \"a\" has both password and password_file"
      ),
      (
        "[[pool.users]]\nname = \"a\"\npassword_file = \"/nowhere/pw\"", 3, 17,
        "password_file of user \"a\": /nowhere/pw cannot be read: No such file or directory"
      ),
      ("[[pool.databases]]\ntarget_database = \"a\"", 1, 1, "a database has no name"),
      ("[[pool.targets]]\nport = 5432", 1, 1, "the target has no host"),
      ("[[pool.targets]]\nhost = \"a\"\nport = 0", 3, 8, "port must be from 1 to 65535, not 0"),
    ] as [(String, Int, Int, String)])
  func mistakes(text: String, line: Int, column: Int, what: String) throws {
    let found = try #require(failure(text))
    #expect(found.what == what)
    #expect(found.place == .init(file: "dbtool.toml", line: line, column: column))
    #expect(found.exitCode == 1)
  }

  @Test("one pool has as many loops as threads says")
  func loops() throws {
    #expect(try configuration("[pool]\nthreads = 4").settings.threads == 4)
    #expect(failure("[pool]\nthreads = 65")?.what == "threads must be from 0 to 64, not 65")
  }

  @Test("the console's users are named in lists, and SHOW CONFIG tells all keys but secrets")
  func console() throws {
    let text =
      "[pool]\nadmin_users = [\"a\", \"b\"]\nstats_users = [\"c\"]\nborrow_timeout = \"90s\"\ninit_query = \"SELECT 1\""
    let console = try configuration(text).settings.console
    #expect(console.admins == ["a", "b"])
    #expect(console.readers == ["c"])
    let shown = Dictionary(uniqueKeysWithValues: console.keys.map { ($0.name, $0) })
    #expect(shown.count == PoolKeys.scalars.count)
    #expect(shown["borrow_timeout"]?.value == "90s")
    #expect(shown["borrow_timeout"]?.fallback == "120s")
    #expect(shown["server_lifetime"]?.value == "1h")
    #expect(shown["init_query"]?.value == "****")
  }

  @Test(
    "what this version does not serve is refused by name, with a hint",
    arguments: [
      ("[pool]\nmax_replica_lag = \"2s\"", "max_replica_lag = \"2s\""),
      ("[pool.fleet]\nenabled = true", "fleet.enabled = true"),
      ("[[pool.targets]]\nhost = \"a\"\nrole = \"reader\"", "role = \"reader\""),
      ("[[pool.databases]]\nname = \"a\"\nrole = \"reader\"", "role = \"reader\""),
    ])
  func notServed(text: String, what: String) throws {
    let found = try #require(failure(text))
    #expect(found.what == what + " is not served yet")
    #expect(found.hint?.isEmpty == false)
    #expect(found.place?.line != nil)
  }

  @Test(
    "encryption that lacks a file is refused at its mode",
    arguments: [
      (
        "[pool.tls]\nmode = \"require\"",
        "tls.mode is \"require\", which needs tls.cert_file and tls.key_file"
      ),
      (
        "[pool.tls]\nmode = \"verify-ca\"\ncert_file = \"a\"\nkey_file = \"b\"",
        "tls.mode is \"verify-ca\", which needs tls.ca_file"
      ),
      (
        "[[pool.targets]]\nhost = \"a\"\nsslmode = \"verify-full\"",
        "sslmode is verify-full, which needs the certificate of an authority"
      ),
    ])
  func missingFiles(text: String, what: String) throws {
    let found = try #require(
      failure(text, environment: ["DATABASE_URL": "postgres://a:b@db/x"]))
    #expect(found.what == what)
    #expect(found.hint?.isEmpty == false)
    #expect(found.place?.line != nil)
  }

  @Test("certificates are looked for in the file's folder")
  func certificateFolder() throws {
    let text = "[pool.tls]\nmode = \"allow\"\ncert_file = \"a.pem\"\nkey_file = \"/b.pem\""
    let document = try PoolDocument(path: "conf/dbtool.toml", text: text)
    let tls = try PoolConfiguration(flags: [:], environment: shopURL, document: document).settings.tls
    #expect(tls.mode == .allow)
    #expect(tls.certFile == "conf/a.pem")
    #expect(tls.keyFile == "/b.pem")
  }

  @Test("pool_mode of a user is stronger than that of a database, and that than the pool's")
  func modes() throws {
    let text = """
      [pool]
      pool_mode = "session"
      session_state = "pin"
      session_check = "tokens"
      query_timeout = "5s"
      transaction_timeout = 7
      [[pool.users]]
      name = "a"
      password = "x"
      pool_mode = "transaction"
      [[pool.databases]]
      name = "shop"
      pool_mode = "session"
      """
    let settings = try PoolConfiguration(
      flags: [:], environment: shopURL, document: try PoolDocument(path: "dbtool.toml", text: text)
    ).settings
    #expect(settings.poolMode == .session)
    #expect(settings.users.first?.mode == .transaction)
    #expect(settings.databases.first?.mode == .session)
    #expect(settings.pinsSettings)
    #expect(settings.trustsTokens)
    #expect(settings.queryTimeout == 5_000)
    #expect(settings.transactionTimeout == 7_000)
  }

  @Test("the same keys with their defaults are taken")
  func defaultsAreTaken() {
    let text =
      "[pool]\npool_mode = \"transaction\"\nthreads = 1\nio = \"auto\"\nsession_state = \"replay\"\n"
      + "session_check = \"always\"\nadmin_users = []\nstats_users = []\nquery_timeout = \"0s\"\n"
      + "sqlstate_compat = \"postgres\"\nmax_replica_lag = \"1s\"\nmin_connections = 0\n"
    #expect(failure(text) == nil)
  }

  @Test("text that is no TOML is told with its place")
  func syntax() throws {
    let found = try #require(failure("[pool]\nborrow_timeout = soon"))
    #expect(found.what.hasPrefix("not valid TOML"))
    #expect(found.place?.line == 2)
  }

  @Test(
    "no failure shows a password",
    arguments: [
      "[pool]\npassword = pw-4712", "[pool]\npassword = \"pw-4712",
      "[[pool.users]]\nname = \"a\"\npasword = \"pw-4712\"",
      "[[pool.users]]\nname = 3\npassword = \"pw-4712\"",
      "[pool]\nusers = [{ name = \"a\", pasword = \"pw-4712\" }]",
      "[[pool.users]]\nname = \"a\"\npassword = \"pw-4712\"\nsecret_file = \"x\"",
      "[pool]\nusers = [\"pw-4712\"]",
      "[[pool.users]]\npassword = \"pw-4712\"", "[pool]\nusers = { password = \"pw-4712\" }",
    ])
  func secrets(text: String) throws {
    let found = try #require(failure(text))
    #expect(!found.text().contains("4712"))
  }

  @Test("a file's password is read, relative to the configuration's folder, and a secret file names its user")
  func passwordFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "dbtool-pool-\(UUID().uuidString)"
    ).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("one\n".utf8).write(to: URL(fileURLWithPath: folder + "/pw"))
    try Data(#"{"username": "api", "password": "two"}"#.utf8).write(
      to: URL(fileURLWithPath: folder + "/secret.json"))
    let text = """
      [[pool.users]]
      name = "app"
      password_file = "pw"
      server_password_file = "\(folder)/pw"
      [[pool.users]]
      secret_file = "secret.json"
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/dbtool.toml"))
    let document = try #require(try PoolDocument.reading(folder + "/dbtool.toml"))
    let settings = try PoolConfiguration(flags: [:], environment: shopURL, document: document).settings
    #expect(settings.users.map(\.name) == ["app", "api"])
    #expect(settings.users.map(\.password) == ["one", "two"])
    #expect(settings.users.map(\.serverPassword) == ["one", nil])
    let absent = try PoolDocument.reading(folder + "/none.toml")
    #expect(absent?.path == nil)
  }
}
