import PostgresWire
import Testing

@Suite("Views over client messages")
struct FrontendViewTests {
  @Test("a Query's text lies between its offsets", arguments: ["", "SELECT 1", "SELECT 'grün'"])
  func query(sql: String) throws {
    let bytes = written { $0.query(sql) }
    let view = try #require(read(bytes) { QueryView.read(in: $0, at: $1, length: $2) })
    #expect(text(bytes, view.textStart, view.textEnd) == sql)
    #expect(view.textEnd == bytes.count - 1)
  }

  @Test("a Parse gives name, query and types", arguments: [[], [23], [23, 0, 4_294_967_295]] as [[UInt32]])
  func parse(types: [UInt32]) throws {
    let bytes = [0, 0] + written { $0.parse(name: "s1", query: "SELECT $1", types: types) }
    let view = try #require(read(bytes, at: 2) { ParseView.read(in: $0, at: $1, length: $2) })
    #expect(text(bytes, view.nameStart, view.nameEnd) == "s1")
    #expect(text(bytes, view.queryStart, view.queryEnd) == "SELECT $1")
    #expect(view.typeCount == types.count)
    #expect(types.indices.map { readUInt32(in: bytes.span, at: view.typesStart + 4 * $0) } == types)
    #expect(view.frameEnd == bytes.count)
  }

  @Test("65,535 parameter types fit")
  func manyTypes() throws {
    let bytes = written { $0.parse(query: "SELECT 1", types: Array(repeating: 23, count: 65_535)) }
    #expect(try #require(read(bytes) { ParseView.read(in: $0, at: $1, length: $2) }).typeCount == 65_535)
  }

  @Test("a Bind gives portal, statement and the rest as it came")
  func bind() throws {
    let bytes = written { $0.bind(portal: "p", statement: "s1", parameters: ["x", nil]) }
    let view = try #require(read(bytes) { BindView.read(in: $0, at: $1, length: $2) })
    #expect(text(bytes, view.portalStart, view.portalEnd) == "p")
    #expect(text(bytes, view.statementStart, view.statementEnd) == "s1")
    #expect(
      Array(bytes[view.restStart..<view.frameEnd]) == [0, 0, 0, 2, 0, 0, 0, 1, 0x78] + word(-1) + [0, 0])
  }

  @Test("Describe and Close tell a statement from a portal")
  func targets() throws {
    for bytes in [written { $0.describe(statement: "a") }, written { $0.close(statement: "a") }] {
      let view = try #require(read(bytes) { TargetView.read(in: $0, at: $1, length: $2) })
      #expect(view.isStatement && view.kind == UInt8(ascii: "S"))
      #expect(text(bytes, view.nameStart, view.nameEnd) == "a")
    }
    for bytes in [written { $0.describe(portal: "") }, written { $0.close(portal: "") }] {
      let view = try #require(read(bytes) { TargetView.read(in: $0, at: $1, length: $2) })
      #expect(!view.isStatement && view.nameStart == view.nameEnd)
    }
  }

  @Test("an Execute gives portal and row limit", arguments: [0, 1, -1, Int32.max] as [Int32])
  func execute(maxRows: Int32) throws {
    let bytes = written { $0.execute(portal: "p", maxRows: maxRows) }
    let view = try #require(read(bytes) { ExecuteView.read(in: $0, at: $1, length: $2) })
    #expect(text(bytes, view.portalStart, view.portalEnd) == "p")
    #expect(view.maxRows == maxRows)
  }

  @Test(
    "a text without its end, a count that lies and bytes behind the end are malformed",
    arguments: [
      ascii(""), ascii("x"), ascii("a\0b"), ascii("a\0b\0"), ascii("a\0b\0\0"), ascii("a\0b\0\0\u{1}"),
      ascii("a\0b\0\0\u{1}123"), ascii("a\0b\0\0\u{1}12345"), ascii("a\0b\0") + [0xff, 0xff, 1, 2, 3, 4],
    ])
  func malformedParse(body: [UInt8]) {
    #expect(read(frame("P", body)) { ParseView.read(in: $0, at: $1, length: $2) } == nil)
  }

  @Test("so are they in the other messages")
  func malformedOthers() {
    for body in ["", "a", "a\0b", "a\0b\0", "a\0b\0\0\0\0\0"] {
      #expect(read(frame("B", ascii(body))) { BindView.read(in: $0, at: $1, length: $2) } == nil)
    }
    for body in ["", "S", "Sa", "S\0x", "X\0", "\0", "a\0"] {
      #expect(read(frame("D", ascii(body))) { TargetView.read(in: $0, at: $1, length: $2) } == nil)
    }
    for body in ["", "p", "p\0", "p\0\0\0\0", "p\0\0\0\0\0\0"] {
      #expect(read(frame("E", ascii(body))) { ExecuteView.read(in: $0, at: $1, length: $2) } == nil)
    }
    for body in ["", "SELECT 1", "SELECT 1\0;", "\0\0"] {
      #expect(read(frame("Q", ascii(body))) { QueryView.read(in: $0, at: $1, length: $2) } == nil)
    }
  }
}

@Suite("Views over server messages")
struct BackendViewTests {
  @Test(
    "the number that ends a command tag is its row count",
    arguments: [
      ("INSERT 0 12", 12), ("SELECT 0", 0), ("COPY 123456789012345678", 123_456_789_012_345_678), ("7", 7),
      ("BEGIN", nil), ("", nil), ("SELECT 1234567890123456789", nil),
    ] as [(String, Int?)])
  func commandTag(tag: String, rows: Int?) throws {
    let bytes = written { $0.commandComplete(tag: tag) }
    let view = try #require(read(bytes) { CommandTagView.read(in: $0, at: $1, length: $2) })
    #expect(text(bytes, view.textStart, view.textEnd) == tag)
    #expect(view.rowCount(in: bytes.span) == rows)
    let saysSo = view.says(tag, in: bytes.span)
    #expect(saysSo)
    for other in ["ROLLBACK", tag + " ", String(tag.dropLast()) + "?"] {
      let saysOther = view.says(other, in: bytes.span)
      #expect(!saysOther)
    }
  }

  @Test("a ParameterStatus gives name and value, also an empty or a strange one")
  func parameterStatus() throws {
    for value in [ascii("UTC"), [], [0xff, 0xe9]] {
      let bytes = written { $0.parameterStatus(name: "TimeZone", value: value) }
      let view = try #require(read(bytes) { ParameterStatusView.read(in: $0, at: $1, length: $2) })
      #expect(text(bytes, view.nameStart, view.nameEnd) == "TimeZone")
      #expect(copiedBytes(in: bytes.span, from: view.valueStart, to: view.valueEnd) == value)
    }
    for body in ["", "a", "a\0", "a\0b", "a\0b\0c"] {
      #expect(read(frame("S", ascii(body))) { ParameterStatusView.read(in: $0, at: $1, length: $2) } == nil)
    }
  }

  @Test("ReadyForQuery carries one of three states and nothing else")
  func readyForQuery() {
    for status in [TransactionStatus.idle, .inTransaction, .failed] {
      let bytes = written { $0.readyForQuery(status) }
      #expect(read(bytes) { TransactionStatus.read(in: $0, at: $1, length: $2) } == status)
    }
    for body in ["", "X", "II", "i"] {
      #expect(read(frame("Z", ascii(body))) { TransactionStatus.read(in: $0, at: $1, length: $2) } == nil)
    }
  }

  @Test("a DataRow tells NULL from an empty text")
  func dataRow() throws {
    let bytes = written { $0.dataRow(["a", nil, "", "grün"]) }
    let view = try #require(read(bytes) { DataRowView.read(in: $0, at: $1, length: $2) })
    #expect(view.columnCount == 4)
    #expect(view.texts(in: bytes.span) == ["a", nil, "", "grün"])
  }

  @Test(
    "a value's length that lies is noticed when the row is walked",
    arguments: [-2, Int(Int32.min), 2, 5, Int(Int32.max)])
  func lyingColumn(length: Int) throws {
    let bytes = frame("D", [0, 1] + word(length) + [0x61])
    let view = try #require(read(bytes) { DataRowView.read(in: $0, at: $1, length: $2) })
    #expect(view.texts(in: bytes.span) == nil)
  }

  @Test("BackendKeyData has a key of 4 to 256 bytes", arguments: [0, 3, 4, 32, 256, 257])
  func backendKeyData(length: Int) {
    let key = [UInt8](repeating: 7, count: length)
    let bytes = written { $0.backendKeyData(processID: 0xffff_fffe, key: key) }
    let data = read(bytes) { BackendKeyData.read(in: $0, at: $1, length: $2) }
    #expect(data == ((4...256).contains(length) ? BackendKeyData(processID: 0xffff_fffe, key: key) : nil))
  }

  @Test("NegotiateProtocolVersion gives the minor version and the options")
  func negotiation() {
    let bytes = written { $0.negotiateProtocolVersion(newestMinor: 2, unrecognized: ["_pq_.a", "_pq_.b"]) }
    #expect(
      read(bytes) { ProtocolNegotiation.read(in: $0, at: $1, length: $2) }
        == ProtocolNegotiation(newestMinor: 2, unrecognized: ["_pq_.a", "_pq_.b"]))
    for body in [
      word(2) + word(0), word(0x30000) + word(1), word(0x30000) + word(-1) + ascii("a\0"), word(0x30000),
    ] {
      #expect(read(frame("v", body)) { ProtocolNegotiation.read(in: $0, at: $1, length: $2) } == nil)
    }
  }
}
