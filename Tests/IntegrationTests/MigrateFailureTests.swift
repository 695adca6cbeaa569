import TestSupport
import Testing

@Suite("A migration that fails")
struct MigrateFailureTests {
  @Test("in its third statement is rolled back, and the place is shown")
  func third() throws {
    let bad = "create table b (i int);\ninsert into b values (1);\n\n  select\n    nosuch + 1\n  from b;\n"
    try MigrateFolder.with(["V1__good.sql": "create table a (i int);", "V2__bad.sql": bad]) {
      (folder) throws in
      let result = try folder.dbtool("migrate")
      #expect(result.status == 1)
      #expect(
        result.stderr.contains(
          """
          error: column "nosuch" does not exist (SQLSTATE 42703)
            at sql/V2__bad.sql:5:5
              5 |     nosuch + 1
                |     ^
            hint: Nothing was changed by this migration: it was rolled back. The migration before it stays applied.

          """))
      #expect(try folder.history() == ["1 true"])
      #expect(try folder.ask("SELECT to_regclass('b')") == nil)
    }
  }

  @Test("after a placeholder is shown where it stands in the file, not where it stood when it was sent")
  func placeholder() throws {
    let bad = "select '${who}', '${who}', nosuch;\n"
    try MigrateFolder.with(["V1__bad.sql": bad]) { (folder) throws in
      let result = try folder.dbtool("migrate", "--placeholder", "who=somebody with a long name")
      #expect(result.stderr.contains("at sql/V1__bad.sql:1:28\n    1 | select '${who}', '${who}', nosuch;\n"))
    }
  }

  @Test("inside COPY data names the line of the data")
  func copyRow() throws {
    let bad = "create table t (i int);\ncopy t from stdin;\n1\n2\nx\n3\n\\.\n"
    try MigrateFolder.with(["V1__bad.sql": bad]) { (folder) throws in
      let result = try folder.dbtool("migrate")
      #expect(result.status == 1)
      #expect(result.stderr.contains("at sql/V1__bad.sql:5:1\n    5 | x\n"))
      #expect(try folder.history() == [])
    }
  }

  @Test(
    "because it is cut short is refused before anything of it runs",
    arguments: [
      ("create table t (i int);\ncopy t from stdin;\n1\n2\n", "2:1", "data of COPY FROM STDIN has no end"),
      ("create table t (i int);\n/* open\nselect 1;\n", "2:1", "comment is never closed"),
      ("create table t (i int);\nselect 'open;\n", "2:8", "quoted string is never closed"),
      ("create table t (i int);\nselect $body$ open;\n", "2:8", "dollar quote $body$ is never closed"),
      ("create table t (i int);\nselect '${nope}';\n", "2:9", "No value provided for placeholder: ${nope}"),
    ])
  func cutShort(_ script: String, _ place: String, _ message: String) throws {
    try MigrateFolder.with(["V1__bad.sql": script]) { (folder) throws in
      let result = try folder.dbtool("migrate")
      #expect(result.status == 1)
      #expect(result.stderr.contains("error: \(message)"))
      #expect(result.stderr.contains("at sql/V1__bad.sql:\(place)\n"))
      #expect(result.stderr.contains("Nothing of this migration was run."))
      #expect(try folder.ask("SELECT to_regclass('t')") == nil)
      #expect(try folder.history() == [])
    }
  }

  @Test("without a transaction says what stays; with Flyway's session lock it leaves a failed row")
  func nonTransactional() throws {
    let scripts = [
      "V1__bad.sql": "create table t (i int);\ninsert into nosuch values (1);",
      "V1__bad.sql.conf": "executeInTransaction=false",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let first = try folder.dbtool("migrate")
      #expect(first.stderr.contains("hint: What ran before this statement stays"))
      #expect(try folder.history() == [])
      #expect(try folder.ask("SELECT to_regclass('t')") == "t")
      try folder.write("V1__bad.sql", "insert into nosuch values (1);")
      #expect(try folder.dbtool("migrate", "--postgresql-transactional-lock=false").status == 1)
      #expect(try folder.history() == ["1 false"])
      let third = try folder.dbtool("migrate")
      #expect(third.stderr.contains("Detected failed migration to version 1 (bad)."))
    }
  }

  @Test("is told in Flyway's JSON document, too")
  func json() throws {
    try MigrateFolder.with(["V1__bad.sql": "\nselect nosuch;"]) { (folder) throws in
      let result = try folder.dbtool("migrate", "--json")
      #expect(result.stdout.contains("\"errorCode\": \"FAILED_VERSIONED_MIGRATION\""))
      #expect(result.stdout.contains("\"lineNumber\": 2"))
      #expect(result.stdout.contains("\"sqlState\": \"42703\""))
    }
  }
}
