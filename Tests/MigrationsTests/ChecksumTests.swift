import Migrations
import Testing

@Suite("A script's checksum")
struct ChecksumTests {
  @Test(
    "is the one that Flyway stores",
    arguments: [
      ("", 0), ("create table a(i int);\n", -731_837_914), ("a\nb\n", -1_635_563_411), ("ab", -1_635_563_411),
      ("a\r\nb\n", -1_635_563_411), ("\u{FEFF}a\nb\n", -1_635_563_411), ("a\rb", -1_635_563_411),
      ("-- nothing here\n", 552_342_527), ("é", 235_179_326), ("SELECT 1;", 78_787_420),
      ("SELECT 1;\r\n", 78_787_420), ("CREATE TABLE t (x int);\n-- é\n", -1_762_175_984),
    ] as [(String, Int32)])
  func flyway(_ text: String, _ value: Int32) {
    #expect(Checksum.of(Array(text.utf8)) == value)
  }

  @Test("does not depend on the pieces that the text comes in", arguments: 1...12)
  func pieces(_ size: Int) {
    let text = Array("\u{FEFF}create table a(i int);\r\n-- é\n\n".utf8)
    var checksum = Checksum()
    var rest = text[...]
    while !rest.isEmpty {
      checksum.update(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    #expect(checksum.value == Checksum.of(text))
  }

  @Test("drops one byte order mark, whether the decoder or the checksum itself meets it")
  func oneMark() throws {
    let twice = Array("\u{FEFF}\u{FEFF}a".utf8)
    let once = Checksum.of(Array("\u{FEFF}".utf8) + twice)
    #expect(Checksum.of(twice) != Checksum.of([0x61]))
    for encoding in [TextEncoding.utf8, .utf16LittleEndian] {
      var decoder = TextDecoder(encoding)
      let bytes =
        encoding == .utf8
        ? Array("\u{FEFF}".utf8) + twice
        : "\u{FEFF}\u{FEFF}\u{FEFF}a".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      let text = try decoder.decode(bytes)
      #expect(decoder.hasDroppedMark)
      var checksum = Checksum()
      checksum.passMark()
      checksum.update(text)
      #expect(checksum.value == once)
    }
  }

  @Test("counts a byte order mark that is not the very first character")
  func laterMark() {
    #expect(Checksum.of(Array("a\u{FEFF}".utf8)) != Checksum.of(Array("a".utf8)))
    #expect(Checksum.of([0xEF, 0xBB]) != 0)
  }
}
