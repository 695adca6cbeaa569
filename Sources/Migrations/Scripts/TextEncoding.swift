/// The encodings a script may be written in; what leaves is always UTF-8.
package enum TextEncoding: String, Sendable, CaseIterable {
  case utf8 = "UTF-8"
  case ascii = "US-ASCII"
  case latin1 = "ISO-8859-1"
  case latin9 = "ISO-8859-15"
  case windows1252 = "WINDOWS-1252"
  case utf16 = "UTF-16"
  case utf16BigEndian = "UTF-16BE"
  case utf16LittleEndian = "UTF-16LE"

  /// Finds an encoding by Java's names and aliases, without case.
  /// - Throws: `MigrationError.unknownEncoding`.
  package init(named name: String) throws(MigrationError) {
    let aliases: [String: TextEncoding] = [
      "UTF8": .utf8, "UNICODE-1-1-UTF-8": .utf8, "ASCII": .ascii, "ISO646-US": .ascii,
      "LATIN1": .latin1, "L1": .latin1, "ISO8859_1": .latin1, "ISO8859-1": .latin1, "ISO_8859-1": .latin1,
      "ISO_8859_1": .latin1, "CP819": .latin1,
      "LATIN9": .latin9, "ISO8859_15": .latin9, "ISO8859-15": .latin9, "ISO_8859-15": .latin9,
      "CP1252": .windows1252, "IBM-1252": .windows1252, "UTF_16": .utf16, "UTF16": .utf16,
      "UTF_16BE": .utf16BigEndian, "UTF_16LE": .utf16LittleEndian,
    ]
    let upper = name.uppercased()
    guard let found = TextEncoding(rawValue: upper) ?? aliases[upper] else { throw .unknownEncoding(name) }
    self = found
  }
}

/// Turns the bytes of a file into UTF-8, piece by piece, and drops a byte order mark in front.
package struct TextDecoder: Sendable {
  private let encoding: TextEncoding
  /// Bytes of a character whose rest has not come yet.
  private var rest: [UInt8] = []
  private var isAtStart = true
  private var isLittleEndian: Bool
  /// Whether a mark was dropped that Java's decoder would have left in the text.
  package private(set) var hasDroppedMark = false

  package init(_ encoding: TextEncoding) {
    self.encoding = encoding
    isLittleEndian = encoding == .utf16LittleEndian
  }

  /// - Throws: `MigrationError.undecodable` when the bytes are not of the encoding.
  package mutating func decode(_ bytes: [UInt8]) throws(MigrationError) -> [UInt8] {
    switch encoding {
    case .utf8: return try decodeUTF8(bytes)
    case .ascii:
      guard bytes.allSatisfy({ $0 < 0x80 }) else { throw .undecodable(encoding.rawValue) }
      return bytes
    case .latin1: return Array(String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })).utf8)
    case .latin9:
      return Array(String(String.UnicodeScalarView(bytes.map { Self.latin9[$0] ?? Unicode.Scalar($0) })).utf8)
    case .windows1252: return try decodeWindows1252(bytes)
    case .utf16, .utf16BigEndian, .utf16LittleEndian: return try decodeUTF16(bytes)
    }
  }

  /// Nothing more comes.
  /// - Throws: `MigrationError.undecodable` when a character was left half.
  package mutating func finish() throws(MigrationError) {
    guard rest.isEmpty else { throw .undecodable(encoding.rawValue) }
  }

  private mutating func decodeUTF8(_ bytes: [UInt8]) throws(MigrationError) -> [UInt8] {
    var text = rest.isEmpty ? bytes : rest + bytes
    rest = []
    let complete = text.count - Self.incompleteTail(of: text)
    if complete < text.count {
      rest = Array(text[complete...])
      text.removeSubrange(complete...)
    }
    if isAtStart, !text.isEmpty {
      isAtStart = false
      if text.starts(with: [0xEF, 0xBB, 0xBF]) {
        hasDroppedMark = true
        text.removeFirst(3)
      }
    }
    guard String(validating: text, as: UTF8.self) != nil else { throw .undecodable(encoding.rawValue) }
    return text
  }

  /// How many bytes at the end begin a character that needs more.
  private static func incompleteTail(of text: [UInt8]) -> Int {
    for back in 1...3 where back <= text.count {
      let byte = text[text.count - back]
      if byte & 0b1100_0000 == 0b1000_0000 { continue }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return length > back ? back : 0
    }
    return 0
  }

  private func decodeWindows1252(_ bytes: [UInt8]) throws(MigrationError) -> [UInt8] {
    var text = ""
    for byte in bytes {
      let value = (0x80..<0xA0).contains(byte) ? Self.windows1252[Int(byte) - 0x80] : UInt32(byte)
      guard let value, let scalar = Unicode.Scalar(value) else { throw .undecodable(encoding.rawValue) }
      text.unicodeScalars.append(scalar)
    }
    return Array(text.utf8)
  }

  private mutating func decodeUTF16(_ bytes: [UInt8]) throws(MigrationError) -> [UInt8] {
    let all = rest + bytes
    var units: [UInt16] = []
    units.reserveCapacity(all.count / 2)
    var index = 0
    while index + 1 < all.count {
      let first = UInt16(all[index])
      let second = UInt16(all[index + 1])
      index += 2
      if isAtStart {
        isAtStart = false
        // Without a mark UTF-16 is big-endian, as Java reads it.
        if encoding == .utf16, first == 0xFF, second == 0xFE { isLittleEndian = true; continue }
        if isLittleEndian ? first == 0xFF && second == 0xFE : first == 0xFE && second == 0xFF {
          hasDroppedMark = encoding != .utf16
          continue
        }
      }
      units.append(isLittleEndian ? second << 8 | first : first << 8 | second)
    }
    rest = Array(all[index...])
    if let last = units.last, UTF16.isLeadSurrogate(last) {
      units.removeLast()
      rest = Array(all[(index - 2)...])
    }
    guard let text = String(validating: units, as: UTF16.self) else { throw .undecodable(encoding.rawValue) }
    return Array(text.utf8)
  }

  /// Where it differs from ISO-8859-1.
  private static let latin9: [UInt8: Unicode.Scalar] = [
    0xA4: "€", 0xA6: "Š", 0xA8: "š", 0xB4: "Ž", 0xB8: "ž", 0xBC: "Œ", 0xBD: "œ", 0xBE: "Ÿ",
  ]

  private static let windows1252: [UInt32?] = [
    0x20AC, nil, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, nil,
    0x017D, nil, nil, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
    0x0153, nil, 0x017E, 0x0178,
  ]
}
