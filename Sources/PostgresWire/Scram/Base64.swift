/// Base64 with the standard alphabet, padded, without line breaks. Source: RFC 4648, section 4.
package enum Base64 {
  private static let padding = UInt8(ascii: "=")

  /// The ASCII of `data` in base64.
  package static func encoded(_ data: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((data.count + 2) / 3 * 4)
    var start = 0
    while start + 3 <= data.count {
      let bits = UInt32(data[start]) << 16 | UInt32(data[start + 1]) << 8 | UInt32(data[start + 2])
      text.append(letter(of: bits >> 18))
      text.append(letter(of: bits >> 12 & 63))
      text.append(letter(of: bits >> 6 & 63))
      text.append(letter(of: bits & 63))
      start += 3
    }
    guard start < data.count else { return text }
    let second = start + 1 < data.count ? UInt32(data[start + 1]) : nil
    let bits = UInt32(data[start]) << 16 | (second ?? 0) << 8
    text.append(letter(of: bits >> 18))
    text.append(letter(of: bits >> 12 & 63))
    text.append(second == nil ? padding : letter(of: bits >> 6 & 63))
    text.append(padding)
    return text
  }

  private static func letter(of value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    return switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") - 26 + value
    case 52..<62: value - 52 + UInt8(ascii: "0")
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")  // six bits: 63
    }
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
