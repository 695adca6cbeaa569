import PostgresWire
import Testing

@Suite("The startup parameter options")
struct StartupOptionsTests {
  @Test(
    "its words set parameters, in order",
    arguments: [
      ("", []),
      ("  \t\n ", []),
      ("-c a=b", [("a", "b")]),
      ("-ca=b", [("a", "b")]),
      ("--a=b", [("a", "b")]),
      ("--statement-timeout=5s", [("statement_timeout", "5s")]),
      ("-c lock-timeout=1 --a=b=c", [("lock_timeout", "1"), ("a", "b=c")]),
      ("-c  a=b\t-c a=c", [("a", "b"), ("a", "c")]),
      ("--a=", [("a", "")]),
      (#"-c search_path=one,\ two"#, [("search_path", "one, two")]),
      (#"-c a=back\\slash"#, [("a", #"back\slash"#)]),
      (#"-c a=end\"#, [("a", "end")]),
      (#"-c\ a=b"#, [(" a", "b")]),
      ("-c geqo=a+b", [("geqo", "a+b")]),
    ] as [(String, [(String, String)])])
  func settings(value: String, expected: [(String, String)]) {
    #expect(parseOptions(ascii(value)) == .success(expected.map { StartupParameter($0.0, $0.1) }))
  }

  @Test(
    "a word that sets nothing is named",
    arguments: [
      ("hello", StartupOptionsFault.unknownWord("hello")),
      ("-c a=b -e", .unknownWord("-e")),
      ("-d 5", .unknownWord("-d")),
      ("--", .unknownWord("--")),
      ("--=b", .unknownWord("--=b")),
      ("-c =b", .unknownWord("-c")),
      ("-c", .missingValue("-c")),
      ("-c a", .missingValue("-c a")),
      ("--a", .missingValue("--a")),
    ])
  func faults(value: String, expected: StartupOptionsFault) {
    #expect(parseOptions(ascii(value)) == .failure(expected))
  }

  @Test("a value may be other than UTF-8")
  func encoding() {
    #expect(parseOptions(ascii("-c a=") + [0xe9]) == .success([StartupParameter(name: "a", value: [0xe9])]))
  }
}
