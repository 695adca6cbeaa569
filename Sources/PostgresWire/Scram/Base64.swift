/// Base64 with the standard alphabet, padded, without line breaks. Source: RFC 4648, section 4.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// The ASCII of `data` in base64.
  package static func encoded(_ data: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((data.count + 2) / 3 * 4)
    for start in stride(from: 0, to: data.count, by: 3) {
      let group = data[start..<min(start + 3, data.count)]
      var bits: UInt32 = 0
      for (index, byte) in group.enumerated() { bits |= UInt32(byte) << (16 - 8 * index) }
      for index in 0..<4 {
        text.append(index <= group.count ? alphabet[Int(bits >> (18 - 6 * index) & 63)] : padding)
      }
    }
    return text
  }

  /// The data behind `text`, or nil when it is not exactly what ``encoded(_:)`` would have made of it: no
  /// blank, no missing padding, no stray bits in the last letter.
  package static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var data: [UInt8] = []
    data.reserveCapacity(text.count / 4 * 3)
    let letters = text.count - text.reversed().prefix(2).prefix { $0 == padding }.count
    var bits: UInt32 = 0
    var bitCount = 0
    for letter in text.prefix(letters) {
      guard let value = value(of: letter) else { return nil }
      bits = (bits << 6 | value) & 0xffff
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        data.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    guard bits & (1 << UInt32(bitCount) - 1) == 0 else { return nil }
    return data
  }

  private static func value(of letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter) - 48 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil  // any other byte
    }
  }
}
