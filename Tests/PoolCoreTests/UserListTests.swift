import PoolCore
import Testing

@Suite("PgBouncer's userlist.txt") struct UserListTests {
  @Test("names and passwords stand in double quotes, comments and blank lines in between")
  func read() throws {
    let list = try UserList(
      """
      ; PgBouncer's comment
      # another
      "app" "secret"

        "md5er"\t"md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ignored
      "a ""b"" c" "with "" quote" "whatever"
      "empty" ""
      """)
    #expect(list.users.map(\.name) == ["app", "md5er", "a \"b\" c", "empty"])
    #expect(
      list.users.map(\.password) == ["secret", "md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "with \" quote", ""])
  }

  @Test("of two lines for a name the last counts; two spellings of an accented letter are two names")
  func twice() throws {
    let list = try UserList("\"a\" \"1\"\n\"e\u{301}\" \"2\"\n\"\u{e9}\" \"3\"\n\"a\" \"4\"")
    #expect(list.users.map(\.password) == ["4", "2", "3"])
  }

  @Test(
    "a line that cannot be understood is named by its number, and never repeated",
    arguments: [
      "app \"secret\"", "\"app\" secret", "\"app", "\"app\" \"secret", "\"app\"", "\"\" \"secret\"",
      "'app' 'secret'",
    ])
  func fault(line: String) {
    let error = #expect(throws: AccessFileFault.self) { try UserList("\"ok\" \"ok\"\r\n\n\(line)\n") }
    #expect(error?.line == 3)
    #expect(error?.what.contains("secret") == false)
  }

  @Test("a description holds no password")
  func redacted() throws {
    #expect("\(try UserList("\"app\" \"secret\"").users)" == "[user app]")
  }
}
