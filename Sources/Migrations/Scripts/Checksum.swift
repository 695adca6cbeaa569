/// Flyway's checksum of a script: CRC-32 (zlib's polynomial) as a signed number, over the UTF-8 bytes of the
/// lines without their ends, a byte order mark in front dropped.
///
/// Hence line ends of any kind, and blank lines, never count; spaces and comments do. Bytes may come in any
/// number of pieces.
package struct Checksum: Sendable {
  private var register: UInt32 = 0xFFFF_FFFF
  /// How many bytes of a byte order mark have been seen at the start; 3 and more: past it.
  private var markSeen = 0

  package init() {}

  /// The checksum of what has been given so far; 0 of nothing.
  package var value: Int32 {
    var complete = self
    complete.releaseMark()
    return Int32(bitPattern: ~complete.register)
  }

  package mutating func update(_ bytes: Span<UInt8>) {
    var index = 0
    while markSeen < 3, index < bytes.count {
      if bytes[index] == Self.mark[markSeen] {
        markSeen += 1
        index += 1
        if markSeen == 3 { markSeen = 4 }
      } else {
        releaseMark()
      }
    }
    var register = register
    let table = Self.table
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == 0x0A || byte == 0x0D { continue }
      register = table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8)
    }
    self.register = register
  }

  /// The one mark that is dropped has been dropped already: what comes first is text, even if it is another one.
  package mutating func passMark() { markSeen = 4 }

  package mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

  /// The checksum of a whole text.
  package static func of(_ text: [UInt8]) -> Int32 {
    var checksum = Checksum()
    checksum.update(text)
    return checksum.value
  }

  /// What looked like the start of a mark was text.
  private mutating func releaseMark() {
    if markSeen < 3 {
      for byte in Self.mark.prefix(markSeen) {
        register = Self.table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8)
      }
    }
    markSeen = 4
  }

  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }
}
