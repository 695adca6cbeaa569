import DatabaseTools
import PostgresWire
import TestSupport
import Testing

/// Scripts of messages, played to the server itself and to the pool: both must answer alike, byte by byte.
@Suite("Pool and server, message by message") struct PoolParityTests {
  /// What is sent, and how many ReadyForQuery end the answer.
  struct Step: Sendable {
    var bytes: [UInt8]
    var readies: Int
  }

  struct Script: CustomTestStringConvertible, Sendable {
    let name: String
    let steps: [Step]
    var testDescription: String { name }

    init(_ name: String, _ steps: Step...) {
      self.name = name
      self.steps = steps
    }
  }

  private static func step(_ readies: Int = 1, _ write: (inout MessageWriter) -> Void) -> Step {
    var writer = MessageWriter()
    write(&writer)
    return Step(bytes: writer.bytes, readies: readies)
  }

  private static func sql(_ text: String) -> Step { step { $0.query(text) } }

  private static func parse(_ name: String, _ text: String) -> Step {
    step {
      $0.parse(name: name, query: text)
      $0.sync()
    }
  }

  private static func run(_ name: String) -> Step {
    step {
      $0.bind(statement: name)
      $0.execute()
      $0.sync()
    }
  }

  /// A frame of any content, behind it a Sync.
  private static func odd(_ tag: UInt8, _ body: [UInt8], readies: Int = 1, syncs: Bool = true) -> Step {
    step(readies) {
      $0.message(tag) { $0.raw(body) }
      if syncs { $0.sync() }
    }
  }

  static let scripts: [Script] = [
    Script("empty texts", sql(""), sql(";"), sql(" /* nothing */ ; -- still nothing\n")),
    Script("a text that ends in an open transaction", sql("SELECT 1; BEGIN"), sql("SELECT 2"), sql("COMMIT")),
    Script("BEGIN; COMMIT; BEGIN", sql("BEGIN; COMMIT; BEGIN"), sql("ROLLBACK")),
    Script("an implicit block that fails", sql("SELECT 1; SELECT 1/0; SELECT 3"), sql("SELECT 4")),
    Script(
      "AND CHAIN", sql("BEGIN"), sql("COMMIT AND CHAIN"), sql("SELECT 1/0"), sql("ROLLBACK AND CHAIN"),
      sql("SELECT 2"), sql("COMMIT"), sql("COMMIT AND CHAIN")),
    Script(
      "a failed transaction", sql("BEGIN"), sql("bad"), sql("SELECT 1"), run("nothing"), sql("COMMIT"),
      sql("SELECT 2")),
    Script(
      "a SET within savepoints", sql("BEGIN"), sql("SET work_mem = '5MB'"), sql("SAVEPOINT a"),
      sql("SET work_mem = '6MB'"), sql("ROLLBACK TO a"), sql("SHOW work_mem"), sql("COMMIT"),
      sql("SHOW work_mem")),
    Script(
      "DISCARD ALL, alone and where it must not be", sql("SET work_mem = '5MB'"), sql("DISCARD ALL"),
      sql("SHOW work_mem"), sql("BEGIN"), sql("DISCARD ALL"), sql("ROLLBACK"), sql("SELECT 1; DISCARD ALL"),
      step {
        for text in ["SELECT 1", "DISCARD ALL"] {
          $0.parse(query: text)
          $0.bind()
          $0.execute()
        }
        $0.sync()
      }),
    Script(
      "a name given twice", parse("s", "SELECT 1"), parse("s", "SELECT 2"), parse("s", "SELEC 3"), run("s"),
      step {
        $0.close(statement: "s")
        $0.parse(name: "s", query: "SELECT 4")
        $0.sync()
      }, run("s")),
    Script(
      "a name given twice in one batch",
      step {
        $0.parse(name: "s", query: "SELECT 1")
        $0.parse(name: "s", query: "SELECT 2")
        $0.sync()
      }, run("s")),
    Script(
      "the server knows 63 bytes of a name", parse(String(repeating: "n", count: 63), "SELECT 1"),
      parse(String(repeating: "n", count: 64), "SELECT 2"), run(String(repeating: "n", count: 200)),
      sql("DEALLOCATE " + String(repeating: "N", count: 70)), run(String(repeating: "n", count: 63))),
    Script(
      "SQL's PREPARE and the protocol's Parse share their names", sql("PREPARE s AS SELECT 7"),
      parse("s", "SELECT 8"), run("s"), sql("DEALLOCATE s"), parse("s", "SELECT 9"), sql("EXECUTE s"),
      sql("PREPARE s AS SELECT 10"), sql("DEALLOCATE ALL"), run("s")),
    Script(
      "the same within one transaction", sql("BEGIN"), sql("PREPARE s AS SELECT 7"), parse("s", "SELECT 8"),
      sql("ROLLBACK"), run("s"), parse("t", "SELECT 9"), run("t")),
    Script(
      "the same without waiting",
      step(2) {
        $0.query("PREPARE s AS SELECT 7")
        $0.parse(name: "s", query: "SELECT 8")
        $0.sync()
      }, run("s"),
      step(2) {
        $0.query("DEALLOCATE s")
        $0.parse(name: "s", query: "SELECT 8")
        $0.sync()
      }, run("s")),
    Script(
      "what is not there", run("nothing"), run(""),
      step {
        $0.describe(statement: "nothing")
        $0.sync()
      },
      step {
        $0.describe(portal: "nothing")
        $0.sync()
      },
      step {
        $0.execute(portal: "nothing")
        $0.sync()
      },
      step {
        $0.close(statement: "nothing")
        $0.close(portal: "nothing")
        $0.sync()
      }),
    Script(
      "the unnamed statement", parse("", "SELECT 1"), run(""), sql("bad"), run(""), parse("", "SELEC"),
      run(""),
      parse("", "SELECT 1; SELECT 2"), parse("", ""), run("")),
    Script(
      "batches behind one that fails, sent before its error is known",
      step(4) {
        $0.bind(statement: "nothing")
        $0.parse(name: "s", query: "SELECT 1")
        $0.parse(query: "SELECT 2")
        $0.sync()
        $0.bind(statement: "s")
        $0.sync()
        $0.parse(name: "s", query: "SELECT 3")
        $0.bind(statement: "s")
        $0.execute()
        $0.sync()
        $0.bind()
        $0.execute()
        $0.sync()
      }, run("s")),
    Script(
      "the unnamed statement survives a Parse that is skipped", parse("", "SELECT 1"),
      step {
        $0.bind(statement: "nothing")
        $0.parse(query: "SELECT 2")
        $0.sync()
      }, run("")),
    Script(
      "errors that name a statement", parse("s", "SELECT 1"),
      step {
        $0.bind(statement: "s", parameters: ["x"])
        $0.sync()
      },
      step {
        $0.bind(statement: "dbtool_set")
        $0.sync()
      }),
    Script(
      "a name survives a Close that is skipped, and is free after one that is not", parse("s", "SELECT 1"),
      step {
        $0.bind(statement: "nothing")
        $0.close(statement: "s")
        $0.sync()
      }, run("s"),
      step(2) {
        $0.bind(statement: "nothing")
        $0.parse(name: "s", query: "SELECT 2")
        $0.sync()
        $0.parse(name: "s", query: "SELECT 3")
        $0.sync()
      }, run("s"),
      step(2) {
        $0.close(statement: "s")
        $0.bind(statement: "nothing")
        $0.parse(name: "s", query: "SELECT 4")
        $0.sync()
        $0.parse(name: "s", query: "SELECT 5")
        $0.sync()
      }, run("s")),
    Script(
      "the unnamed statement survives a Close and a Query that are skipped", parse("", "SELECT 1"),
      step {
        $0.bind(statement: "nothing")
        $0.close(statement: "")
        $0.query("SELECT 2")
        $0.sync()
      }, run("")),
    Script("one Sync after the other", step(3) { for _ in 1...3 { $0.sync() } }, sql("SELECT 1")),
    Script(
      "a simple Query within a batch",
      step(2) {
        $0.parse(query: "SELECT 1")
        $0.bind()
        $0.query("SELECT 2")
        $0.execute()
        $0.sync()
      },
      step(1) {
        $0.parse(query: "bad")
        $0.query("SELECT 2")
        $0.functionCall(oid: 1397, arguments: ["-5"])
        $0.sync()
      }),
    Script(
      "COMMIT by Execute, and more behind it in the batch",
      step {
        for text in ["CREATE TABLE more (a int)", "COMMIT", "SELECT 1/0"] {
          $0.parse(query: text)
          $0.bind()
          $0.execute()
        }
        $0.sync()
      }, sql("SELECT to_regclass('more')")),
    Script(
      "a portal with a row limit", sql("BEGIN"),
      step {
        $0.parse(query: "SELECT generate_series(1, 5)")
        $0.bind(portal: "p")
        $0.execute(portal: "p", maxRows: 2)
        $0.sync()
      },
      step {
        $0.execute(portal: "p", maxRows: 2)
        $0.bind(portal: "p")
        $0.sync()
      }, sql("ROLLBACK"),
      step {
        $0.execute(portal: "p", maxRows: 2)
        $0.sync()
      }),
    Script(
      "65,535 parameters",
      step {
        let list = (1...65_535).map { "($\($0)::int)" }.joined(separator: ",")
        $0.parse(query: "SELECT count(*), sum(v) FROM (VALUES \(list)) AS t (v)")
        $0.describe(statement: "")
        $0.bind(parameters: [String?](repeating: "1", count: 65_535))
        $0.execute()
        $0.sync()
      }),
    Script(
      "FunctionCall", step { $0.functionCall(oid: 1397, arguments: ["-5"]) },
      step { $0.functionCall(oid: 1397, arguments: [nil]) },
      step { $0.functionCall(oid: 999_999, arguments: []) },
      step { $0.functionCall(oid: 1397, arguments: ["x"]) }),
    Script(
      "COPY that fails, and data that comes late",
      sql("CREATE TABLE goods (id int)"),
      step {
        $0.query("COPY goods FROM STDIN")
        $0.copyData(Array("x\n".utf8))
      },
      step {
        $0.copyData(Array("1\n".utf8))
        $0.copyDone()
        $0.query("SELECT count(*) FROM goods")
      },
      step {
        $0.query("COPY goods FROM STDIN")
        $0.copyFail("no more")
      },
      step {
        $0.query("SELECT 1; COPY goods FROM STDIN; SELECT 2")
        $0.copyData(Array("1\n".utf8))
        $0.copyDone()
      }),
    Script("a Query without its terminator", odd(FrontendTag.query, Array("SELECT 1".utf8), syncs: false)),
    Script("a Query with bytes behind it", odd(FrontendTag.query, Array("SELECT 1\0\0".utf8), syncs: false)),
    Script("a Parse cut short", odd(FrontendTag.parse, Array("abc".utf8)), run("abc")),
    Script(
      "a Parse with bytes behind it", odd(FrontendTag.parse, Array("abc\0SELECT 1\0\0\0x".utf8)), run("abc")),
    Script("an empty Bind", odd(FrontendTag.bind, [])),
    Script(
      "a Bind that promises more than it has", parse("s", "SELECT $1::int"),
      odd(FrontendTag.bind, Array("\0s\0\0\0\0\u{1}\0\0\u{1}\0".utf8)), sql("SELECT 1")),
    Script(
      "Describe and Close of neither", odd(FrontendTag.describe, [88, 0]), odd(FrontendTag.close, [88, 0])),
    Script("a Sync with a body", odd(FrontendTag.sync, [1, 2], syncs: false), sql("SELECT 1")),
    Script("a Flush with a body", odd(FrontendTag.flush, [1]), sql("SELECT 1")),
    Script(
      "the same in a transaction", sql("BEGIN"), odd(FrontendTag.bind, []), sql("SELECT 1"), sql("COMMIT")),
  ]

  @Test("answer alike", arguments: scripts)
  func answers(script: Script) throws {
    try SharedPostgres.withDatabase { database in
      let direct = try PoolWireClient(port: #require(UInt16(database.port ?? "")))
      try direct.logIn(database)
      let expected = try play(script, to: direct)
      // The script may have left something.
      _ = try direct.query("DROP TABLE IF EXISTS goods, more")
      direct.close()
      try PoolProcess.with(database, backends: 2) { pool in
        let client = try pool.wireClient()
        let answers = try play(script, to: client)
        #expect(answers == expected)
        #expect(try pool.wireClient().query("SELECT 1").value == "1")
        client.close()
        try pool.expectClean()
      }
    }
  }

  /// What is said, a line for each message.
  private func play(_ script: Script, to client: PoolWireClient) throws -> [String] {
    var lines: [String] = []
    for (number, step) in script.steps.enumerated() {
      try client.send(step.bytes)
      for _ in 0..<step.readies {
        lines += try client.reply().messages.map { "\(number): " + String(decoding: $0.bytes, as: UTF8.self) }
      }
    }
    return lines
  }
}
