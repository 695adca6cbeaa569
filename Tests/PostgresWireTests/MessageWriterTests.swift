import PostgresWire
import Testing

/// Expected bytes follow the "Message Formats" chapter of the PostgreSQL manual, field by field.
@Suite("Writing messages")
struct MessageWriterTests {
  @Test("messages without a body are a tag and the length 4")
  func empty() {
    let bytes = written {
      $0.sync()
      $0.flush()
      $0.terminate()
      $0.copyDone()
      $0.parseComplete()
      $0.bindComplete()
      $0.closeComplete()
      $0.noData()
      $0.portalSuspended()
      $0.emptyQueryResponse()
    }
    #expect(bytes == "SHXc123nsI".unicodeScalars.flatMap { frame($0, []) })
  }

  @Test("a startup packet has no tag, and a zero byte behind the last pair")
  func startup() {
    let bytes = written { $0.startup(parameters: [StartupParameter("user", "app")], minor: 2) }
    #expect(bytes == packet(0x30002, ascii("user\0app\0\0")))
  }

  @Test("SSLRequest, GSSENCRequest and CancelRequest carry their codes")
  func requests() {
    #expect(written { $0.sslRequest() } == [0, 0, 0, 8, 4, 210, 22, 47])
    #expect(written { $0.gssRequest() } == [0, 0, 0, 8, 4, 210, 22, 48])
    #expect(
      written { $0.cancelRequest(processID: 258, key: [9, 8, 7, 6]) }
        == [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 1, 2, 9, 8, 7, 6])
  }

  @Test("texts of a Bind come behind their lengths, NULL as -1, everything in text format")
  func bind() {
    #expect(
      written { $0.bind(parameters: ["ab", nil]) }
        == frame("B", [0, 0, 0, 0, 0, 2] + word(2) + ascii("ab") + word(-1) + [0, 0]))
  }

  @Test("a RowDescription of texts names no table, type 25, size -1, text format")
  func rowDescription() {
    let column: [UInt8] = word(0) + [0, 0] + word(25) + [255, 255] + word(-1) + [0, 0]
    #expect(
      written { $0.rowDescription(["id", "n"]) }
        == frame("T", [0, 2] + ascii("id\0") + column + ascii("n\0") + column))
  }

  @Test("the COPY responses carry the format and one for each column")
  func copyResponses() {
    #expect(written { $0.copyInResponse(columns: 2) } == frame("G", [0, 0, 2, 0, 0, 0, 0]))
    #expect(written { $0.copyOutResponse(columns: 0) } == frame("H", [0, 0, 0]))
    #expect(written { $0.copyBothResponse(columns: -1) } == frame("W", [0, 0, 0]))
  }

  @Test("a function call and its answer")
  func functionCall() {
    #expect(
      written { $0.functionCall(oid: 1, arguments: ["x"]) }
        == frame("F", word(1) + [0, 0, 0, 1] + word(1) + ascii("x") + [0, 0]))
    #expect(written { $0.functionCallResponse(nil) } == frame("V", word(-1)))
  }

  @Test("a notification, a parameter description and a failing COPY")
  func others() {
    #expect(
      written { $0.notificationResponse(processID: 1, channel: "c", payload: "") }
        == frame("A", word(1) + ascii("c\0\0")))
    #expect(written { $0.parameterDescription(types: [23]) } == frame("t", [0, 1] + word(23)))
    #expect(written { $0.copyFail("no") } == frame("f", ascii("no\0")))
    #expect(written { $0.copyData([0, 1]) } == frame("d", [0, 1]))
  }

  @Test("a zero byte ends a text, so that it cannot reach into the next field")
  func embeddedZero() {
    #expect(
      written { $0.startup(parameters: [StartupParameter("user", "app\0database\0other")]) }
        == packet(0x30000, ascii("user\0app\0\0")))
    #expect(written { $0.query("SELECT 1\0; DROP") } == frame("Q", ascii("SELECT 1\0")))
  }

  @Test("what does not fit a 16-bit count is left out, and the message stays whole")
  func tooMany() throws {
    let bytes = written { $0.dataRow(Array(repeating: "", count: 65_536)) }
    let view = try #require(read(bytes) { DataRowView.read(in: $0, at: $1, length: $2) })
    #expect(view.texts(in: bytes.span)?.count == 65_535)
  }
}
