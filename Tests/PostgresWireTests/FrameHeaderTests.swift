import PostgresWire
import Testing

@Suite("Frame headers")
struct FrameHeaderTests {
  @Test("the length counts the tag byte and the length word")
  func length() {
    let bytes = frame("Q", ascii("SELECT 1\0"))
    #expect(
      FrameHeader.read(in: bytes.span, at: 0)
        == .frame(FrameHeader(tag: FrontendTag.query, length: bytes.count)))
  }

  @Test("fewer than five bytes are incomplete, also at and behind the end", arguments: 0..<8)
  func incomplete(offset: Int) {
    let bytes = Array(frame("S", []).prefix(4))
    #expect(FrameHeader.read(in: bytes.span, at: offset) == .incomplete)
  }

  @Test(
    "a length word that cannot be is malformed",
    arguments: [0, 1, 3, 0x4000_0004, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])
  func malformed(length: Int) {
    #expect(FrameHeader.read(in: ([UInt8(ascii: "Q")] + word(length)).span, at: 0) == .malformed)
  }

  @Test("the least and the largest length are believed", arguments: [4, 0x4000_0003])
  func limits(length: Int) {
    let header = FrameHeader(tag: FrontendTag.query, length: length + 1)
    #expect(FrameHeader.read(in: ([UInt8(ascii: "Q")] + word(length)).span, at: 0) == .frame(header))
  }

  @Test("an offset below 0 is malformed")
  func negativeOffset() {
    #expect(FrameHeader.read(in: frame("S", []).span, at: -1) == .malformed)
  }

  @Test("every message's header says where the next one starts")
  func walk() {
    let bytes = allMessages.flatMap(\.bytes)
    var position = 0
    var count = 0
    while case .frame(let header) = FrameHeader.read(in: bytes.span, at: position) {
      position += header.length
      count += 1
    }
    #expect(position == bytes.count)
    #expect(count == allMessages.count)
  }

  @Test("every client message has a length limit, as in PostgreSQL; unknown tags have none")
  func limitsByTag() {
    #expect(FrontendTag.maximumWireLength(of: FrontendTag.sync) == 10_004)
    #expect(FrontendTag.maximumWireLength(of: FrontendTag.password) == 65_539)
    #expect(FrontendTag.maximumWireLength(of: FrontendTag.query) == 0x4000_0003)
    let known = (0...255).filter { FrontendTag.maximumWireLength(of: UInt8($0)) != nil }
    #expect(known.map { UInt8($0) } == Array("BCDEFHPQSXcdfp".utf8))
  }
}

@Suite("Reading numbers")
struct ByteReadingTests {
  let bytes: [UInt8] = [0xff, 0xfe, 0x80, 0x01, 0x02]

  @Test("numbers are big-endian")
  func order() {
    #expect(readUInt16(in: bytes.span, at: 3) == 0x0102)
    #expect(readInt16(in: bytes.span, at: 0) == -2)
    #expect(readUInt32(in: bytes.span, at: 1) == 0xfe80_0102)
    #expect(readInt32(in: bytes.span, at: 0) == -98303)
  }

  @Test("outside the bytes there is no number", arguments: [-1, 4, 5, 6, Int.max, Int.min])
  func bounds(offset: Int) {
    #expect(readUInt16(in: bytes.span, at: offset) == nil)
    #expect(readInt16(in: bytes.span, at: offset) == nil)
    #expect(readUInt32(in: bytes.span, at: offset) == nil)
    #expect(readInt32(in: bytes.span, at: offset) == nil)
  }
}
