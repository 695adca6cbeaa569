import DatabaseTools
import Foundation
import TestSupport
import Testing

/// It needs no server; the built binary makes real files.
@Suite("dbtool new")
struct NewCommandTests {
  private func with(_ files: [String], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "new-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for file in files {
      let place = folder.appending(path: file)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("select 1;\n".utf8).write(to: place)
    }
    try body(folder)
  }

  private func dbtool(_ folder: URL, _ words: String...) throws -> DBToolProcess.Result {
    try runDBTool(["new"] + words, environment: ["HOME": folder.path], in: folder.path)
  }

  @Test("makes the default folder and the first file, prints its path, then counts on")
  func first() throws {
    try with([]) { (folder) throws in
      let made = try dbtool(folder, "add users")
      #expect(made.stdout == "migrations/V1__add_users.sql\n")
      #expect(made.status == 0)
      let text = try String(
        contentsOf: folder.appending(path: "migrations/V1__add_users.sql"), encoding: .utf8)
      #expect(text == "-- add users\n")
      let second = JSONValue(parsing: try dbtool(folder, "orders", "--json").stdout)
      #expect(second?["file"]?.text == "V2__orders.sql")
      #expect(second?["version"]?.text == "2")
      #expect(second?["filepath"]?.text?.hasSuffix("/migrations/V2__orders.sql") == true)
      #expect(try dbtool(folder, "view", "--repeatable").stdout == "migrations/R__view.sql\n")
      #expect(try dbtool(folder, "--undo").stdout == "migrations/U2__orders.sql\n")
    }
  }

  @Test("counts over all locations, puts the file into the first, and an undo script beside its migration")
  func locations() throws {
    try with(["a/V003__x.sql", "b/sub/V010__y.sql", "a/flyway.conf"]) { (folder) throws in
      let places = ["--locations", "a,b"]
      #expect(try dbtool(folder, "new", places[0], places[1]).stdout == "a/V011__new.sql\n")
      #expect(try dbtool(folder, "y", "--undo", places[0], places[1]).stdout == "b/sub/U010__y.sql\n")
      #expect(
        try dbtool(folder, "z", "-locations=filesystem:b", "-sqlMigrationPrefix=W").stdout == "b/W1__z.sql\n")
    }
  }

  @Test("leaves a file that is there alone, and says what is wrong with a call")
  func refusals() throws {
    try with(["migrations/V1__a.sql", "migrations/R__v.sql"]) { (folder) throws in
      let taken = try dbtool(folder, "v", "--repeatable")
      #expect(taken.status == 1)
      #expect(taken.stderr.contains("error: there is already migrations/R__v.sql"))
      let text = try String(contentsOf: folder.appending(path: "migrations/R__v.sql"), encoding: .utf8)
      #expect(text == "select 1;\n")
      #expect(try dbtool(folder, "late", "--as", "1.0").status == 1)
      #expect(try dbtool(folder, "n", "--locations", "nowhere").stderr.contains("hint: make it: mkdir -p "))
      for words in [
        [], ["a", "b"], ["a/b"], ["x", "--as", "two"], ["x", "--undo", "--repeatable"], ["--nosuch"],
      ] {
        let result = try runDBTool(["new"] + words, environment: ["HOME": folder.path], in: folder.path)
        #expect(result.status == 64, "\(words): \(result.stderr)")
        #expect(result.stderr.contains("hint: ") || words.count > 2, "\(words)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/migrations").count == 2)
    }
  }
}
