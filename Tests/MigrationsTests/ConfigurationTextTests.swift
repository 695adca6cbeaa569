import Migrations
import Testing

@Suite("Configuration texts")
struct ConfigurationTextTests {
  @Test("of Java's properties form are read as Flyway reads them")
  func properties() {
    let text = """
      # a comment
      ! another
      flyway.url=jdbc:postgresql://db/shop
      flyway.table : history
        flyway.user =  app\t
      flyway.path=C:\\temp
      flyway.locations=filesystem:a,\\
        filesystem:b
      flyway.password=${SECRET}x${UNSET}${flyway:user}${
      empty=
      """
    let entries = PropertiesFile.entries(of: text) { $0 == "SECRET" ? "s" : nil }
    #expect(
      entries.map { "\($0.key)=\($0.value)@\($0.line)" } == [
        "flyway.url=jdbc:postgresql://db/shop@3", "flyway.table=history@4", "flyway.user=app@5",
        "flyway.path=C:\\temp@6", "flyway.locations=filesystem:a,filesystem:b@7",
        "flyway.password=sx${flyway:user}${@9",
        "empty=@10",
      ])
  }

  @Test("beside a script set what that script needs")
  func script() throws {
    let config = try ScriptConfig(
      "executeInTransaction=FALSE\nplaceholderReplacement=true\nencoding=latin1\n")
    #expect(config.executeInTransaction == false)
    #expect(config.placeholderReplacement == true)
    #expect(config.encoding == .latin1)
    #expect(try ScriptConfig("") == ScriptConfig())
  }

  @Test(
    "beside a script are refused with Flyway's words",
    arguments: [
      ("unknownKey=1", "Unknown configuration property: unknownKey. Please check your script config files"),
      (
        "executeInTransaction=maybe",
        "Invalid value for executeInTransaction (should be either true or false): maybe"
      ),
      ("shouldExecute=perhaps", "shouldExecute cannot be read: perhaps"),
    ])
  func refusal(_ text: String, _ message: String) {
    let error = #expect(throws: MigrationError.self) { try ScriptConfig(text) }
    #expect(error?.message == message)
  }

  @Test(
    "in other encodings become UTF-8, in pieces of any size",
    arguments: [
      (TextEncoding.latin1, [0x61, 0xE9], "aé"), (.latin9, [0xA4, 0xE9], "€é"), (.windows1252, [0x80], "€"),
      (.utf16, [0xFF, 0xFE, 0xE9, 0x00], "é"),
      (.utf16, [0x00, 0x61, 0xD8, 0x3D, 0xDE, 0x00], "a😀"), (.utf16LittleEndian, [0x61, 0x00], "a"),
      (.utf8, [0xEF, 0xBB, 0xBF, 0xC3, 0xA9], "é"), (.ascii, [0x61], "a"),
    ] as [(TextEncoding, [UInt8], String)])
  func encodings(_ encoding: TextEncoding, _ bytes: [UInt8], _ text: String) throws {
    for size in 1...6 {
      var decoder = TextDecoder(encoding)
      var result: [UInt8] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        result += try decoder.decode(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      try decoder.finish()
      #expect(String(decoding: result, as: UTF8.self) == text)
    }
  }

  @Test(
    "that are not of their encoding are refused",
    arguments: [(TextEncoding.utf8, [0x61, 0xFF]), (.utf8, [0xC3]), (.ascii, [0xC3]), (.utf16, [0x61])]
      as [(TextEncoding, [UInt8])])
  func undecodable(_ encoding: TextEncoding, _ bytes: [UInt8]) {
    #expect(throws: MigrationError.undecodable(encoding.rawValue)) {
      var decoder = TextDecoder(encoding)
      _ = try decoder.decode(bytes)
      try decoder.finish()
    }
  }
}
