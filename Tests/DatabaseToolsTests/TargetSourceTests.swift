import LibPQ
import Testing

@testable import DatabaseTools

@Suite("Reading a database's address")
struct TargetSourceTests {
  static let known = ConnectionParameters.names

  static func read(_ text: String) throws -> TargetSource {
    try TargetSource.reading(text, from: "--url", known: known)
  }

  struct Expected: Sendable {
    var host: String?
    var port: String?
    var database: String?
    var user: String?
    var password: String?
    var parameters: [String: String] = [:]
  }

  @Test(
    "every form gives its parts",
    arguments: [
      (
        "postgres://app:secret@db:6432/shop",
        Expected(host: "db", port: "6432", database: "shop", user: "app", password: "secret")
      ),
      ("postgresql://db/shop", Expected(host: "db", database: "shop")),
      ("PostgreSQL://db", Expected(host: "db")),
      ("postgresql:///shop", Expected(database: "shop")),
      ("postgresql://app@/shop", Expected(database: "shop", user: "app")),
      (
        "postgresql://a%40b:p%2Fw%3A%25@db/x%20y",
        Expected(host: "db", database: "x y", user: "a@b", password: "p/w:%")
      ),
      ("postgresql://app:a:b@db/", Expected(host: "db", user: "app", password: "a:b")),
      ("postgresql://[::1]:5433/shop", Expected(host: "::1", port: "5433", database: "shop")),
      ("postgresql://[fe80::1%25eth0]/", Expected(host: "fe80::1%25eth0")),
      ("postgresql://a:1,b:2/shop", Expected(host: "a,b", port: "1,2", database: "shop")),
      ("postgresql://a,b:2/shop", Expected(host: "a,b", port: ",2", database: "shop")),
      ("postgresql://%2Fvar%2Frun/shop", Expected(host: "/var/run", database: "shop")),
      (
        "postgresql:///shop?host=/var/run&port=5433",
        Expected(host: "/var/run", port: "5433", database: "shop")
      ),
      (
        "postgresql://db/shop?sslmode=verify-full&application_name=a%26b@c",
        Expected(
          host: "db", database: "shop", parameters: ["sslmode": "verify-full", "application_name": "a&b@c"])
      ),
      (
        "postgres://db/shop?ssl=true",
        Expected(host: "db", database: "shop", parameters: ["sslmode": "require"])
      ),
      (
        "host=db port=5433 dbname=shop user=app password='it\\'s a  secret'",
        Expected(host: "db", port: "5433", database: "shop", user: "app", password: "it's a  secret")
      ),
      ("host = db\n  user='' dbname = 'x y'", Expected(host: "db", database: "x y")),
      ("jdbc:postgresql://db/shop", Expected(host: "db", port: "5432", database: "shop")),
      ("jdbc:postgresql:shop", Expected(host: "localhost", port: "5432", database: "shop")),
      ("jdbc:postgresql://a:1,[::1]/shop", Expected(host: "a,::1", port: "1,5432", database: "shop")),
      (
        "jdbc:postgresql:///shop?user=app&password=p%26w",
        Expected(host: "localhost", port: "5432", database: "shop", user: "app", password: "p&w")
      ),
      (
        "jdbc:postgresql://db/shop?ssl=true&currentSchema=a,b%20c&ApplicationName=x&tcpKeepAlive=true&connectTimeout=5",
        Expected(
          host: "db", port: "5432", database: "shop",
          parameters: [
            "sslmode": "verify-full", "options": #"-c search_path=a,b\ c"#, "application_name": "x",
            "keepalives": "1", "connect_timeout": "5",
          ])
      ),
      (
        "jdbc:postgresql://db/shop?sslmode=require&ssl=true&targetServerType=primary",
        Expected(
          host: "db", port: "5432", database: "shop",
          parameters: ["sslmode": "require", "target_session_attrs": "primary"])
      ),
    ])
  func forms(_ text: String, _ expected: Expected) throws {
    let source = try Self.read(text)
    #expect(source.host == expected.host)
    #expect(source.port == expected.port)
    #expect(source.database == expected.database)
    #expect(source.user == expected.user)
    #expect(source.password?.reveal == expected.password)
    #expect(source.parameters == expected.parameters)
  }

  @Test(
    "what cannot be read is refused with the reason, and no part of a password is repeated",
    arguments: [
      ("", "is empty"),
      ("shop", "neither a URL nor"),
      ("mysql://app:s3cret@db/shop", "mysql URL"),
      ("postgresql+psycopg2://app:s3cret@db/shop", "postgresql+psycopg2 URL"),
      ("jdbc:mysql://db/shop?password=s3cret", "jdbc:mysql: is not served"),
      ("postgres://app:s3/cret@db/shop", "port is not a number"),
      ("postgres://app:s3cret?x@db/shop", "port is not a number"),
      ("postgres://app:12?s3cret=x@db/shop", "no parameter a parameter"),
      ("postgres://app:p@s3cret@db/shop", "more than one @"),
      ("postgres://app:s3cret%zz@db/shop", "not followed by two hexadecimal digits"),
      ("postgres://app:s3cret%00@db/shop", "not followed by two hexadecimal digits"),
      ("postgres://app:s3cret%ff@db/shop", "not UTF-8"),
      ("postgres://app:s3cret@db:0/shop", "port is not a number"),
      ("postgres://app:s3cret@db:65536/shop", "port is not a number"),
      ("postgres://app:s3cret@db:99999999999999999999/", "port is not a number"),
      ("postgres://app:s3cret@[::1/shop", "has no ]"),
      ("postgres://app:s3cret@[d_b]/shop", "not an IPv6 address"),
      ("postgres://app:s3cret@[::1]x/shop", "only :PORT, a comma or / can follow"),
      ("postgres://app:s3cret@db/shop?sslmode=on", "sslmode is none of"),
      ("postgres://app:s3cret@db/shop?schema=public", "no parameter schema"),
      ("postgres://app:s3cret@db/shop?sslmode", "has no ="),
      ("host=db password=my s3cret dbname=x", "a word without = follows the value of password"),
      ("host=db password='s3cret", "never closed"),
      ("host=db passwort=s3cret", "no parameter passwort"),
      ("host=db port=x password=s3cret", "port is not a number"),
      ("jdbc:postgresql://app:s3cret@db/shop", "no user or password in front"),
      (
        "jdbc:postgresql://db/shop?password=s3cret&sslfactory=x",
        "sslfactory is not served: it names a Java class"
      ),
      ("jdbc:postgresql://db/shop?password=s3cret&socketTimeout=30", "socketTimeout is not served"),
      ("jdbc:postgresql://db/shop?password=s3cret&currentschema=x", "no parameter currentschema"),
      ("jdbc:postgresql://db/shop?targetServerType=preferPrimary", "targetServerType is not served"),
      ("postgres://db/shop?connect_timeout=soon", "connect_timeout is not a number"),
    ])
  func refusals(_ text: String, _ words: String) throws {
    let failure = try #require(throws: Failure.self) { try Self.read(text) }
    #expect(failure.what.contains(words), "\(failure.what)")
    #expect(failure.exitCode == 64)
    for secret in ["s3cret", "s3", "cret"] { #expect(!failure.text().contains(secret)) }
  }

  @Test("parameters that only tune the Java driver are accepted, with a note")
  func notes() throws {
    let source = try Self.read(
      "jdbc:postgresql://db/shop?reWriteBatchedInserts=true&prepareThreshold=0&socketTimeout=0")
    #expect(source.parameters.isEmpty)
    #expect(source.notes.count == 2)
    #expect(source.notes[0].hasPrefix("reWriteBatchedInserts in --url"))
  }
}
