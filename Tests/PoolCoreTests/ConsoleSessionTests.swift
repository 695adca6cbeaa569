import PoolCore
import PostgresWire
import Testing

@Suite("A client at the console") struct ConsoleSessionTests {
  /// Runs what is sent, with two rows for every SHOW; orders are carried out.
  private struct Client {
    var session: ConsoleSession
    var ran: [ConsoleCommand] = []
    var lastStep = ConsoleSession.Step.next

    init(_ rights: ConsoleRights = .admin) { session = ConsoleSession(rights, user: "somebody") }

    /// What is answered, as the tags of its messages.
    mutating func tags(_ write: (inout MessageWriter) -> Void) -> String {
      String(decoding: messages(write).map { $0[0] }, as: UTF8.self)
    }

    mutating func messages(_ write: (inout MessageWriter) -> Void) -> [[UInt8]] {
      var writer = MessageWriter()
      write(&writer)
      let bytes = writer.bytes
      var offset = 0
      while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
        var step = session.received(header, in: bytes.span, at: offset)
        while case .run(let command) = step {
          #expect(session.isBusy)
          ran.append(command)
          step = session.finished(outcome(of: command))
        }
        lastStep = step
        offset += header.length
      }
      return Self.split(session.takeOutput())
    }

    private func outcome(of command: ConsoleCommand) -> ConsoleSession.Outcome {
      guard case .show(let view) = command, let columns = view.columns else {
        if command == .order(.resume("nowhere")) {
          return .failure(ErrorFields(severity: .error, sqlState: "3D000", message: "none such"))
        }
        return .done
      }
      let row = columns.map { $0.kind == .number ? ConsoleCell.number(258) : .text("x") }
      return .table(ConsoleTable(columns, [row, row]))
    }

    static func split(_ bytes: [UInt8]) -> [[UInt8]] {
      var all: [[UInt8]] = []
      var offset = 0
      while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
        all.append(Array(bytes[offset..<offset + header.length]))
        offset += header.length
      }
      return all
    }

    func error(_ messages: [[UInt8]]) -> String? {
      messages.first { $0[0] == BackendTag.errorResponse }.flatMap {
        ErrorFields.read(in: $0.span, at: 0, length: $0.count)?.sqlState
      }
    }
  }

  @Test("a Query answers with description, rows and readiness, one statement after the other")
  func simple() {
    var client = Client()
    #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
    #expect(client.tags { $0.query("SHOW VERSION; PAUSE; SHOW LISTS") } == "TDDCCTDDCZ")
    #expect(client.tags { $0.query("") } == "IZ")
    #expect(client.tags { $0.query("-- ping") } == "IZ")
    #expect(client.tags { $0.query("SHOW HELP") } == "NCZ")
    #expect(client.ran.filter { $0 == .order(.pause(nil)) }.count == 1)
  }

  @Test("an error ends its Query and not the connection")
  func failures() {
    var client = Client()
    let answer = client.messages { $0.query("RESUME nowhere; SHOW VERSION") }
    #expect(client.error(answer) == "3D000")
    #expect(answer.count == 2)
    #expect(client.ran == [.order(.resume("nowhere"))])
    #expect(client.error(client.messages { $0.query("bogus") }) == "42601")
    #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
  }

  @Test("who may only look is refused everything else, in both protocols, and goes on")
  func rights() {
    var client = Client(.stats)
    #expect(client.error(client.messages { $0.query("PAUSE") }) == "42501")
    let answer = client.messages {
      $0.parse(query: "SHUTDOWN")
      $0.bind()
      $0.execute()
      $0.sync()
    }
    #expect(client.error(answer) == "42501")
    #expect(client.ran.isEmpty)
    #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
  }

  @Test("Parse, Describe, Bind, Execute, Close as at a server; a statement is used again and again")
  func extended() {
    var client = Client()
    let first = client.tags {
      $0.parse(name: "s", query: "SHOW LISTS")
      $0.describe(statement: "s")
      $0.bind(portal: "p", statement: "s")
      $0.describe(portal: "p")
      $0.execute(portal: "p")
      $0.sync()
    }
    #expect(first == "1tT2TDDCZ")
    for _ in 0..<3 {
      let again = client.tags {
        $0.bind(statement: "s")
        $0.execute()
        $0.sync()
      }
      #expect(again == "2DDCZ")
    }
    let rest = client.tags {
      $0.close(statement: "s")
      $0.sync()
      $0.bind(statement: "s")
      $0.execute()
      $0.sync()
    }
    #expect(rest == "3ZEZ")
    let order = client.tags {
      $0.parse(query: "PAUSE")
      $0.describe(statement: "")
      $0.bind()
      $0.describe(portal: "")
      $0.execute()
      $0.sync()
    }
    #expect(order == "1tn2nCZ")
    let empty = client.tags {
      $0.parse(query: ";")
      $0.bind()
      $0.execute()
      $0.sync()
    }
    #expect(empty == "12IZ")
  }

  @Test("rows come in portions where that is asked for")
  func portions() {
    var client = Client()
    let answer = client.tags {
      $0.parse(query: "SHOW LISTS")
      $0.bind()
      $0.execute(maxRows: 1)
      $0.execute(maxRows: 1)
      $0.execute(maxRows: 1)
      $0.sync()
    }
    #expect(answer == "12DsDCCZ")
    #expect(client.ran.count == 1)
  }

  @Test("an error in a batch is told once, and the rest up to Sync is dropped")
  func batches() {
    var client = Client()
    let answer = client.messages {
      $0.parse(query: "nonsense")
      $0.bind()
      $0.execute()
      $0.query("SHOW VERSION")
      $0.sync()
    }
    #expect(String(decoding: answer.map { $0[0] }, as: UTF8.self) == "EZ")
    #expect(client.error(answer) == "42601")
    let two = client.messages {
      $0.parse(query: "SHOW POOLS; SHOW LISTS")
      $0.sync()
    }
    #expect(client.error(two) == "42601")
    let parameters = client.messages {
      $0.parse(query: "SHOW POOLS")
      $0.bind(parameters: ["1"])
      $0.sync()
    }
    #expect(client.error(parameters) == "08P01")
    #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
  }

  @Test("who asks for binary numbers gets eight bytes, and is told so")
  func binary() {
    var client = Client()
    let answer = client.messages {
      $0.parse(query: "SHOW LISTS")
      $0.message(FrontendTag.bind) { message in
        message.text("")
        message.text("")
        message.uint16(0)
        message.uint16(0)
        message.uint16(1)
        message.uint16(1)
      }
      $0.describe(portal: "")
      $0.execute()
      $0.sync()
    }
    let row = answer.first { $0[0] == BackendTag.dataRow } ?? []
    #expect(Array(row.suffix(12)) == [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2])
    let description = answer.first { $0[0] == BackendTag.rowDescription } ?? []
    #expect(Array(description.suffix(2)) == [0, 1])
  }

  @Test("transactions of drivers are followed: after an error in one nothing runs up to its end")
  func transactions() {
    var client = Client()
    func status(_ messages: [[UInt8]]) -> UInt8? { messages.last?.last }
    #expect(status(client.messages { $0.query("BEGIN") }) == UInt8(ascii: "T"))
    #expect(status(client.messages { $0.query("bogus") }) == UInt8(ascii: "E"))
    #expect(client.error(client.messages { $0.query("SHOW VERSION") }) == "25P02")
    #expect(status(client.messages { $0.query("ROLLBACK") }) == UInt8(ascii: "I"))
    #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
  }

  @Test("what is no message of a client ends the connection; Terminate does, too")
  func ends() {
    var client = Client()
    _ = client.messages { $0.message(UInt8(ascii: "!")) }
    #expect(client.lastStep == .violation)
    _ = client.messages { $0.message(FrontendTag.query) { $0.raw([1, 2, 3]) } }
    #expect(client.lastStep == .violation)
    _ = client.messages { $0.terminate() }
    #expect(client.lastStep == .end)
  }

  @Test("random messages never trap, and a Query behind a Sync is always answered")
  func hostile() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      var client = Client()
      for _ in 0..<8 {
        let tags = Array("QPBDECSHFX!dcf".utf8)
        let tag = tags.randomElement(using: &generator) ?? 0
        let body = (0..<Int.random(in: 0..<40)).map { _ in [0, 0, 1, 83, 80, 255, 59].randomElement() ?? 0 }
        _ = client.messages { $0.message(tag) { $0.raw(body.map { UInt8($0) }) } }
      }
      _ = client.messages { $0.sync() }
      _ = client.messages { $0.query("ROLLBACK") }
      #expect(client.tags { $0.query("SHOW VERSION") } == "TDDCZ")
    }
  }
}
