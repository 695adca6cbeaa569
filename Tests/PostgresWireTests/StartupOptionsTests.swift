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
      ("-e -S 4MB", [("datestyle", "euro"), ("work_mem", "4MB")]),
      ("-esS1MB", [("datestyle", "euro"), ("log_statement_stats", "true"), ("work_mem", "1MB")]),
      ("-fs -fh", [("enable_seqscan", "false"), ("enable_hashjoin", "false")]),
      ("-tpa -t executor", [("log_parser_stats", "true"), ("log_executor_stats", "true")]),
      ("-d 1", [("log_min_messages", "debug1")]),
      ("-d 0", [("log_min_messages", "notice")]),
      (
        "-d9",
        [
          ("log_min_messages", "debug5"), ("log_statement", "all"), ("debug_print_parse", "true"),
          ("debug_print_plan", "true"), ("debug_print_rewritten", "true"),
        ]
      ),
      ("-E -v 196608 -c a=b", [("a", "b")]),
    ] as [(String, [(String, String)])])
  func settings(value: String, expected: [(String, String)]) {
    #expect(parseOptions(ascii(value)) == .success(expected.map { StartupParameter($0.0, $0.1) }))
  }

  @Test(
    "a word that sets nothing is named",
    arguments: [
      ("hello", StartupOptionsFault.unknownWord("hello")),
      ("-c a=b -z", .unknownWord("-z")),
      ("-ez", .unknownWord("-ez")),
      ("-S", .unknownWord("-S")),
      ("-fx", .unknownWord("-fx")),
      ("-t p", .unknownWord("p")),
      ("-", .unknownWord("-")),
      ("-- a", .unknownWord("a")),
      ("--=b", .unknownParameter("")),
      ("-c =b", .unknownParameter("")),
      ("-c", .unknownWord("-c")),
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
