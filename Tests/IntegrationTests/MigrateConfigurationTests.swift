import DatabaseTools
import Foundation
import TestSupport
import Testing

/// Source of the rules: Flyway 13, configuration.
@Suite("The configuration of a migration call")
struct MigrateConfigurationTests {
  private static let scripts = ["V1__a.sql": "create table a as select '${who}'::text as who"]

  private func error(_ document: JSONValue) -> [String] {
    [document["error"]?["errorCode"]?.text ?? "", document["error"]?["message"]?.text ?? ""]
  }

  @Test("says what is wrong in the words of the form that the files have")
  func words() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      #expect(
        try error(folder.flyway("info", "-group=maybe").document)
          == ["ERROR", "Unable to parse command line params."])
      #expect(
        try error(folder.flyway("info", environment: ["FLYWAY_GROUP": "maybe"]).document)
          == ["ERROR", "Unable to parse command line params."])
      #expect(try error(folder.flyway("info", "-nosuch=1").document)[0] == "CONFIGURATION")
      try folder.write(beside: "flyway.conf", "flyway.table=t\n")
      let wrong = "Invalid value for flyway.group (should be either true or false): maybe"
      #expect(try error(folder.flyway("info", "-group=maybe").document) == ["CONFIGURATION", wrong])
      #expect(
        try error(folder.flyway("info", "-nosuch=1").document)[1]
          == "Unknown configuration property: flyway.nosuch. Please check your conf files or commandline parameters"
      )
      try folder.write(beside: "flyway.conf", "# one\nflyway.connectRetries=often\n")
      let number = try folder.flyway("info")
      #expect(
        error(number.document)
          == ["CONFIGURATION", "Invalid value for flyway.connectRetries (should be an integer): often"])
      #expect(number.stderr.contains("  at \(folder.path)/flyway.conf:2\n"))
    }
  }

  @Test("resolves the variables of the chosen environment only")
  func environments() throws {
    try MigrateFolder.with(Self.scripts) { (folder) throws in
      try folder.write(
        beside: "flyway.toml",
        """
        [flyway]
        environment = "one"
        [flyway.placeholders]
        who = "all"
        [environments.one]
        user = "${env.NOBODY_SET_THIS}"
        [environments.two]
        displayName = "The other"
        schemas = ["s_two"]
        [environments.two.flyway]
        table = "own"
        placeholders.who = "${env.WHO}"
        """)
      #expect(
        try error(folder.flyway("migrate").document)
          == ["ERROR", "Unable to resolve environment variable: 'NOBODY_SET_THIS'"])
      let two = try folder.flyway("migrate", "-environment=two", environment: ["WHO": "me"])
      #expect(two.status == 0, "\(two.stderr)")
      #expect(try folder.ask("SELECT who FROM s_two.a") == "me")
      #expect(try folder.ask("SELECT count(*) FROM s_two.own") == "2")
      #expect(try error(folder.flyway("info", "-environment=three").document)[0] == "CONFIGURATION")
    }
  }

  @Test("takes TOML when there is any, and says which conf files it did not read")
  func mixed() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      try folder.write(beside: "flyway.toml", "[flyway]\ntable = \"from_toml\"\n")
      try folder.write(beside: "own.conf", "flyway.table=from_conf\n")
      let result = try folder.flyway("migrate", "-configFiles=own.conf")
      #expect(result.status == 0)
      #expect(result.stderr.contains("own.conf: not read, because there is \(folder.path)/flyway.toml"))
      #expect(try folder.ask("SELECT to_regclass('from_toml')") == "from_toml")
    }
  }

  @Test("may come in at the standard input")
  func standardInput() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      let result = try runDBTool(
        ["migrate", "-configFiles=-"], environment: ["HOME": folder.path],
        input: "flyway.url=\(folder.target.testURL)\nflyway.table=from_input\n", in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      #expect(try folder.ask("SELECT to_regclass('from_input')") == "from_input")
    }
  }

  @Test("takes pgjdbc's properties as the URL takes them")
  func properties() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a as select current_setting('application_name') as n"])
    {
      (folder) throws in
      #expect(try folder.flyway("migrate", "-jdbcProperties.ApplicationName=shop").status == 0)
      #expect(try folder.ask("SELECT n FROM a") == "shop")
      let wrong = try folder.flyway("migrate", environment: ["FLYWAY_JDBC_PROPERTIES_NOSUCH": "1"])
      #expect(wrong.document["error"]?["errorCode"]?.text == "CONFIGURATION")
    }
  }

  @Test("finds out the encoding of each script when it is told to")
  func detection() throws {
    try MigrateFolder.with(["V1__utf8.sql": "create table a as select 'é'::text as t"]) { (folder) throws in
      func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: folder.path + "/sql/" + name))
      }
      let insert = "insert into a values ('é')"
      try write("V2__latin1.sql", insert.unicodeScalars.map { UInt8($0.value) })
      try write("V3__little.sql", [0xFF, 0xFE] + insert.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
      try write("V4__big.sql", [0xFE, 0xFF] + insert.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
      #expect(try folder.flyway("migrate").status == 1)
      let result = try folder.flyway("migrate", "-detectEncoding=true")
      #expect(result.status == 0, "\(result.stderr)")
      #expect(try folder.list("SELECT DISTINCT t FROM a") == ["é"])
      // The text counts, not its bytes.
      #expect(
        try folder.list("SELECT DISTINCT checksum FROM flyway_schema_history WHERE version > '1'").count == 1)
    }
  }

  @Test("passes over a classpath aloud, and refuses what it cannot read by name")
  func locations() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1"]) { (folder) throws in
      let two = try folder.flyway("migrate", "-locations=classpath:db/migration,filesystem:sql")
      #expect(two.status == 0)
      #expect(two.stderr.contains("classpath:db/migration is passed over: there is no Java here"))
      #expect(try folder.history() == ["1 true"])
      let strict = try folder.flyway("info", "-locations=classpath:x", "-failOnMissingLocations=true")
      #expect(strict.document["error"]?["errorCode"]?.text == "ERROR")
      let bucket = try folder.flyway("info", "-locations=s3:bucket/sql")
      #expect(bucket.document["error"]?["message"]?.text?.hasPrefix("Unknown prefix for location") == true)
    }
  }

  @Test(
    "says of a script that is a link to nothing, and of a folder that is a link back, that it passes over them"
  )
  func links() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1"]) { (folder) throws in
      let files = FileManager.default
      try files.createSymbolicLink(atPath: folder.path + "/sql/V2__b.sql", withDestinationPath: "nowhere.sql")
      try files.createSymbolicLink(atPath: folder.path + "/sql/loop", withDestinationPath: "../sql")
      let result = try folder.flyway("migrate")
      #expect(result.status == 0)
      #expect(result.stderr.contains("/sql/V2__b.sql is no file, nor a link to one; it is passed over"))
      #expect(result.stderr.contains("/sql/loop is a link to a folder above it; it is passed over"))
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("that the command line has wrong is exit 64 in our form, and Flyway's error in Flyway's")
  func usage() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      let ours = try folder.dbtool("migrate", "--target", "abc")
      #expect(ours.status == 64)
      #expect(ours.stderr.hasPrefix("error: 'abc' is no version\n  hint: numbers between dots"))
      let theirs = try folder.flyway("migrate", "-target=abc")
      #expect(theirs.status == 1)
      #expect(
        error(theirs.document)
          == ["ERROR", "Version may only contain 0..9 and . (dot). Invalid version: abc"])
      #expect(try folder.dbtool("migrate", "--encoding", "EBCDIC").status == 64)
      #expect(try error(folder.flyway("info", "-color=blue").document)[0] == "ERROR")
      let form = try folder.dbtool("info", "-outputType=xml")
      #expect(form.stderr.hasPrefix("error: 'xml' is an invalid value"))
      let painted = try runDBTool(["info", "-color=always", "-url=jdbc:mysql://db/x"], in: folder.path)
      #expect(painted.stderr.hasPrefix("\u{1B}["))
    }
  }

  @Test("is no longer looked at when the server refuses: the reason is told as the JDBC driver words it")
  func refusal() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      let nobody = try folder.flyway("info", "-user=nobody_here")
      #expect(nobody.document["error"]?["errorCode"]?.text == "DB_CONNECTION")
      #expect(
        nobody.document["error"]?["message"]?.text?.hasPrefix(
          "Unable to obtain connection from database (********) for user 'nobody_here': FATAL: ") == true)
      let nothing = try folder.flyway("info", "-url=jdbc:postgresql://127.0.0.1:1/x", "-user=u")
      #expect(nothing.document["error"]?["sqlState"]?.text == "08001")
      #expect(nothing.document["error"]?["cause"]?["cause"]?["message"]?.text == "Connection refused")
      let other = try folder.flyway("info", "-url=jdbc:mysql://db/x")
      #expect(error(other.document) == ["ERROR", "No Flyway database plugin found to handle ********"])
    }
  }

  @Test("of a script decides by shouldExecute whether it runs, a callback's too; later it can be made up for")
  func shouldExecute() throws {
    try MigrateFolder.with([
      "V1__a.sql": "create table a ()", "V2__b.sql": "create table b ()",
      "V2__b.sql.conf": "shouldExecute=${env}==prod || false", "U2__b.sql": "drop table b",
      "V3__c.sql": "create table c ()", "beforeMigrate.sql": "create table told ()",
      "beforeMigrate.sql.conf": "shouldExecute=${flyway:defaultSchema}!=public",
    ]) { (folder) throws in
      let dev = try folder.flyway("migrate", "-placeholders.env=dev")
      #expect(dev.document["migrations"]?.items.map { $0["version"]?.text } == ["1", "3"])
      let info = try folder.flyway("info", "-placeholders.env=dev").document["migrations"]?.items
      let line = try #require(info?.first { $0["version"]?.text == "2" })
      #expect(line["state"]?.text == "Ignored")
      #expect(line["shouldExecuteExpression"]?.text == "dev==prod || false")
      #expect(try folder.flyway("validate", "-placeholders.env=dev").status == 0)
      #expect(try folder.flyway("migrate", "-placeholders.env=prod").status == 1)
      #expect(try folder.flyway("migrate", "-placeholders.env=prod", "-outOfOrder=true").status == 0)
      #expect(try folder.history() == ["1 true", "3 true", "2 true"])
      #expect(try folder.ask("SELECT to_regclass('told')") == nil)
    }
  }
}
