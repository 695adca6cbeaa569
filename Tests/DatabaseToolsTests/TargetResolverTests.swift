import Foundation
import Testing

@testable import DatabaseTools

@Suite("Which database is meant")
struct TargetResolverTests {
  static func resolve(
    _ flags: TargetFlags = TargetFlags(), _ environment: [String: String] = [:], flyway: Bool = false,
    files: [TargetSource] = []
  ) throws -> DatabaseTarget {
    try TargetResolver(flags: flags, environment: environment, readsFlywayVariables: flyway, files: files)
      .resolve()
  }

  @Test("each part comes from the first source that has it")
  func partByPart() throws {
    let target = try Self.resolve(
      TargetFlags(url: "postgres://flag-host/", user: "flag-user"),
      ["FLYWAY_PASSWORD": "flyway-password", "DATABASE_URL": "postgres://u:p@h:6000/environment-database"],
      flyway: true,
      files: [TargetSource(name: "flyway.conf", database: "file-database", user: "file-user")])
    #expect(target.host == "flag-host")
    #expect(target.port == "6000")
    #expect(target.user == "flag-user")
    #expect(target.password?.reveal == "flyway-password")
    #expect(target.database == "environment-database")
  }

  @Test("a user flag is stronger than the user in the URL")
  func userFlag() throws {
    let target = try Self.resolve(TargetFlags(url: "postgres://a:x@h/d", user: "b", password: Secret("y")))
    #expect(target.user == "b")
    #expect(target.password?.reveal == "y")
  }

  @Test("FLYWAY_ variables count for migration commands only")
  func flywayVariables() throws {
    let environment = ["FLYWAY_URL": "jdbc:postgresql://f/x", "DATABASE_URL": "postgres://d/y"]
    #expect(try Self.resolve(environment: environment).host == "d")
    #expect(try Self.resolve(environment: environment, flyway: true).host == "f")
  }

  private static func resolve(environment: [String: String], flyway: Bool = false) throws -> DatabaseTarget {
    try resolve(TargetFlags(), environment, flyway: flyway)
  }

  @Test("configuration files come after the environment, in the order given")
  func files() throws {
    let files = [
      TargetSource(name: "a", host: "first"), TargetSource(name: "b", host: "second", user: "second-user"),
    ]
    #expect(try Self.resolve(files: files).host == "first")
    #expect(try Self.resolve(files: files).user == "second-user")
    #expect(try Self.resolve(TargetFlags(), ["DATABASE_URL": "postgres://env/"], files: files).host == "env")
  }

  @Test("what no source names is left to libpq")
  func nothing() throws {
    let target = try Self.resolve(TargetFlags(), ["DATABASE_URL": ""])
    #expect(target == DatabaseTarget())
    #expect(
      target.libpqParameters(applicationName: "dbtool").map(\.0) == [
        "fallback_application_name", "client_encoding",
      ])
  }

  @Test("sslmode belongs to the server it was written for")
  func parameters() throws {
    let target = try Self.resolve(
      TargetFlags(url: "postgres://a/?application_name=x"), ["DATABASE_URL": "postgres://b/?sslmode=require"])
    #expect(target.parameters == ["application_name": "x"])
  }

  @Test("another program's DATABASE_URL does no harm when the server is named already")
  func foreignVariable() throws {
    let environment = ["DATABASE_URL": "mysql://x:s3cret@y/z"]
    let target = try Self.resolve(TargetFlags(url: "postgres://a/"), environment)
    #expect(target.host == "a")
    #expect(target.notes == ["DATABASE_URL is a mysql URL, not a PostgreSQL one; it was not used"])
    #expect(throws: Failure.self) { try Self.resolve(environment: environment) }
  }

  @Test(
    "the description names what is meant, with libpq's defaults, and never the password",
    arguments: [
      ("postgres://app:s3cret@db:6432/shop", "shop at db:6432 as app"),
      ("postgres://app:s3cret@[::1]/shop", "shop at [::1]:5999 as app"),
      ("postgres:///?host=/run/pg", "os-user at /run/pg (port 5999) as os-user"),
      ("postgres:///shop", "shop at the local socket (port 5999) as os-user"),
      ("postgres://a:1,b:2/shop", "shop at a:1,b:2 as os-user"),
    ])
  func description(_ url: String, _ expected: String) throws {
    let target = try Self.resolve(TargetFlags(url: url))
    #expect(target.description(defaults: ["port": "5999", "user": "os-user"]) == expected)
    var dumped = ""
    dump(target, to: &dumped)
    #expect(!"\(target) \(dumped) \(String(reflecting: target))".contains("s3cret"))
  }
}

@Suite("Files that hold a password")
struct SecretFileTests {
  static func withFile<Answer>(_ text: String, _ body: (String) throws -> Answer) throws -> Answer {
    let file = FileManager.default.temporaryDirectory.appending(path: "dbtool secret \(UUID().uuidString)")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }

  @Test("the password is the file's only line, blanks and all", arguments: ["p w ", "p w \n", "p w \r\n"])
  func password(_ text: String) throws {
    let source = try Self.withFile(text) { try SecretFile.password(at: $0, from: "--password-file") }
    #expect(source.password?.reveal == "p w ")
  }

  @Test("an empty file, several lines and a missing file are refused", arguments: ["", "\n", "a\nb\n"])
  func refusedPassword(_ text: String) throws {
    let failure = try #require(throws: Failure.self) {
      try Self.withFile(text) { try SecretFile.password(at: $0, from: "--password-file") }
    }
    #expect(failure.what.hasPrefix("--password-file: "))
    #expect(throws: Failure.self) { try SecretFile.password(at: "/nowhere/at/all", from: "x") }
  }

  @Test("a Secrets Manager document gives user, password and, if it has them, the place")
  func secret() throws {
    let text =
      #"{"username":"app","password":"p\"w","engine":"postgres","host":"db","port":5433,"dbname":"shop"}"#
    let source = try Self.withFile(text) { try SecretFile.secret(at: $0, from: "--secret") }
    #expect(source.user == "app")
    #expect(source.password?.reveal == "p\"w")
    #expect(source.host == "db")
    #expect(source.port == "5433")
    #expect(source.database == "shop")
  }

  @Test(
    "what is no such document is refused without repeating it",
    arguments: [
      "s3cret", "[]", #"{"host":"db"}"#, #"{"username":"app","password":["s3cret"]}"#,
      #"{"username":"app","password":"s3cret","engine":"mysql"}"#, #"{"password":"s3cret","port":"x"}"#,
    ])
  func refusedSecret(_ text: String) throws {
    let failure = try #require(throws: Failure.self) {
      try SecretFile.secret(text: text, path: "f.json", from: "--secret")
    }
    #expect(!failure.text().contains("s3cret"))
  }
}
