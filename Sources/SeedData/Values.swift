/// Prices: even on a logarithmic scale, then brought to one of the shop's endings.
enum Money {
  /// - Parameters:
  ///   - range: in cents, from 1 up.
  ///   - endings: the last two digits to choose from; none leaves the amount as it fell.
  static func amount(
    _ range: ClosedRange<Int64>, _ endings: [Int64], _ stream: CounterStream, _ address: RowAddress
  ) -> Int64 {
    let low = FixedPoint.log2(UInt64(max(range.lowerBound, 1)))
    let high = FixedPoint.log2(UInt64(max(range.upperBound, 1)))
    let exponent = low + stream.draw(address, 0).multipliedFullWidth(by: high - low + 1).high
    let even = min(max(Int64(clamping: FixedPoint.exp2(exponent)), range.lowerBound), range.upperBound)
    guard !endings.isEmpty else { return even }
    let ending = endings[Int(stream.draw(address, 1, below: UInt64(endings.count)))]
    let amount = even / 100 * 100 + ending
    if range.contains(amount) { return amount }
    // Near an end of the range, the hundred next to it may do; else the range is too small for the ending.
    let other = amount < range.lowerBound ? amount + 100 : amount - 100
    return range.contains(other) ? other : even
  }
}

/// Version 4 UUIDs.
enum UUIDText {
  static func append(_ high: UInt64, _ low: UInt64, to bytes: inout [UInt8]) {
    let high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
    let low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    bytes.append(hex: high, digits: 8)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hex: high << 32, digits: 4)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hex: high << 48, digits: 4)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hex: low, digits: 4)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(hex: low << 16, digits: 12)
  }
}

/// COPY's text format. Source: PostgreSQL manual, COPY, "Text Format".
enum CopyText {
  /// Appends a value with what the format needs escaped.
  static func append(_ source: [UInt8], _ range: Range<Int>, to bytes: inout [UInt8]) {
    // Most values have nothing to escape, and go over in one piece.
    var isPlain = true
    for index in range where source[index] < 0x20 || source[index] == UInt8(ascii: "\\") { isPlain = false }
    if isPlain { return bytes.append(contentsOf: source[range]) }
    for index in range {
      let byte = source[index]
      switch byte {
      case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(
          byte == UInt8(ascii: "\n")
            ? UInt8(ascii: "n") : byte == UInt8(ascii: "\r") ? UInt8(ascii: "r") : UInt8(ascii: "t"))
        continue
      default: break
      }
      bytes.append(byte)
    }
  }
}
