import DatabaseTools
import PoolServer
import Testing

@testable import dbtool

@Suite("The pool's server from the environment")
struct PoolConfigTargetTests {
  @Test("DATABASE_URL makes the one target and user")
  func url() throws {
    let settings = try configuration().settings
    #expect(settings.target == .init(host: "db.internal", port: 5433))
    #expect(settings.users.map(\.name) == ["app"])
    #expect(settings.users.map(\.password) == ["pw-4711"])
    #expect(settings.databases.isEmpty)
  }

  @Test("so do the PG variables")
  func variables() throws {
    let settings = try configuration(
      environment: [
        "PGHOST": "/run/pg", "PGPORT": "5444", "PGUSER": "app", "PGPASSWORD": "x", "PGDATABASE": "shop",
      ]
    ).settings
    #expect(settings.target == .init(host: "/run/pg", port: 5444))
    #expect(settings.users.map(\.password) == ["x"])
  }

  @Test("a password may come from PGPASSWORD beside a URL without one")
  func passwordBesideURL() throws {
    let environment = ["DATABASE_URL": "postgres://app@db/shop", "PGPASSWORD": "x"]
    #expect(try configuration(environment: environment).settings.users.map(\.password) == ["x"])
  }

  @Test("a file that names server and user needs no environment, and does not look at it")
  func fileAlone() throws {
    let file = "[[pool.targets]]\nhost = \"a\"\n[[pool.users]]\nname = \"u\"\npassword = \"p\""
    let settings = try configuration(file, environment: ["DATABASE_URL": "mysql://x"]).settings
    #expect(settings.target == .init(host: "a", port: 5432))
    #expect(settings.users.map(\.name) == ["u"])
  }

  @Test("a file that names only the server takes the user from the environment")
  func mixed() throws {
    let settings = try configuration("[[pool.targets]]\nhost = \"a\"").settings
    #expect(settings.target.host == "a")
    #expect(settings.users.map(\.name) == ["app"])
  }

  @Test(
    "what is missing or not served is told",
    arguments: [
      ([:], "no server is named"),
      (["DATABASE_URL": "postgres://db/shop"], "no user is named"),
      (["DATABASE_URL": "postgres://app@db/shop"], "user \"app\" has no password"),
      (
        ["DATABASE_URL": "postgres://a:b@db/x", "PGSSLMODE": "verify-full"],
        "sslmode of DATABASE_URL or PGSSLMODE is verify-full, which needs the certificate of an authority"
      ),
      (
        ["DATABASE_URL": "postgres://a:b@db/x?sslmode=require&sslrootcert=system"],
        "sslmode of DATABASE_URL or PGSSLMODE is verify-ca, too weak for the authority \"system\""
      ),
      (
        ["DATABASE_URL": "postgres://a:b@db/x", "PGSSLNEGOTIATION": "direct"],
        "sslmode of DATABASE_URL or PGSSLMODE is prefer, too weak for sslnegotiation=direct"
      ),
      (["DATABASE_URL": "postgres://a:b@x,y/z"], "several servers in DATABASE_URL are not served yet"),
      (
        ["DATABASE_URL": "postgres://a:b@x/z?options=-cjit%3Doff"],
        "options=-cjit=off in DATABASE_URL is not served yet"
      ),
      (["PGSERVICE": "shop"], "PGSERVICE is not served yet"),
      (
        ["PGHOST": "a", "PGPORT": "x", "PGUSER": "u", "PGPASSWORD": "p"],
        "the server's port is not a number from 1 to 65535"
      ),
    ] as [([String: String], String)])
  func refusals(environment: [String: String], what: String) throws {
    let found = try #require(failure("", environment: environment))
    #expect(found.what == what)
    #expect(found.hint != nil)
  }

  @Test(
    "sslmode, sslrootcert and sslnegotiation mean what they mean to libpq",
    arguments: [
      ("", .prefer, "", false), ("sslmode=disable", .disable, "", false),
      ("sslmode=require", .require, "", false),
      ("sslmode=require&sslrootcert=/ca", .verifyCA, "/ca", false),
      ("sslmode=verify-full&sslrootcert=/ca", .verifyFull, "/ca", false),
      ("sslrootcert=system", .verifyFull, "system", false),
      ("sslmode=require", .require, "", true),
    ] as [(String, PoolSettings.ServerEncryption, String, Bool)])
  func encryption(way: String, mode: PoolSettings.ServerEncryption, file: String, isDirect: Bool) throws {
    let target = try configuration(
      environment: [
        "DATABASE_URL": "postgres://a:b@x/y?hostaddr=127.0.0.1&\(way)",
        "PGSSLNEGOTIATION": isDirect ? "direct" : "postgres",
      ]
    ).settings.target
    #expect(target.encryption == mode)
    #expect(target.caFile == file)
    #expect(target.isDirect == isDirect)
    #expect(target.host == "127.0.0.1")
    #expect(target.certificateHost == "x")
  }

  @Test("what has no effect is told, not hidden")
  func notes() throws {
    let notes = try configuration(environment: ["DATABASE_URL": "postgres://a:b@x/y?connect_timeout=3"]).notes
    #expect(notes == ["connect_timeout in DATABASE_URL has no effect on the pool"])
  }

  @Test("the summary names server, users, listeners and cap, and no password")
  func summary() throws {
    let settings = try configuration(
      "[pool]\nmax_connections = 85\nlisten = [\"[::1]:7000\", \"unix:/run/x\"]"
    ).settings
    #expect(
      PoolSummary(settings).lines == [
        "server: db.internal:5433, for user app",
        "clients: [::1]:7000, unix:/run/x (port 7000); status: http://127.0.0.1:9137",
        "cap: 85 backends",
      ])
  }
}

@Suite("Where the pool listens")
struct PoolConfigListenTests {
  @Test(
    "addresses are host:port, [IPv6]:port, *:port",
    arguments: [
      ("127.0.0.1:6432", "127.0.0.1", 6432), ("localhost:0", "localhost", 0), ("[::1]:65535", "::1", 65_535),
      ("*:6432", "*", 6432),
    ] as [(String, String, UInt16)])
  func addresses(text: String, host: String, port: UInt16) throws {
    let (foundHost, foundPort) = try ListenAddress.hostAndPort(text)
    #expect(foundHost == host)
    #expect(foundPort == port)
    #expect(ListenAddress.text(host, port) == text)
  }

  @Test("a Unix socket takes the port of the TCP address beside it, else 6432")
  func unix() throws {
    #expect(try ListenAddress.listeners(["unix:/run/a"]) == [.unix(folder: "/run/a", port: 6432)])
    #expect(
      try ListenAddress.listeners(["unix:/run/a", "h:7"]) == [
        .unix(folder: "/run/a", port: 7), .tcp(host: "h", port: 7),
      ])
  }

  @Test(
    "other forms are refused",
    arguments: [
      ["127.0.0.1"], ["127.0.0.1:"], ["127.0.0.1:65536"], ["127.0.0.1:http"], [":6432"], ["::1:6432"],
      ["[::1]"],
      ["[x]:1"], ["[::1:1"], ["a b:1"], ["unix:run"], ["unix:"],
      ["unix:/" + String(repeating: "x", count: 100)], [],
      ["h:1", "h:1"], ["/run/dbtool"],
    ])
  func refused(texts: [String]) {
    #expect(throws: PoolValueProblem.self) { try ListenAddress.listeners(texts) }
  }
}
