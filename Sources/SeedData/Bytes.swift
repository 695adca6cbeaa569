extension [UInt8] {
  /// Appends `value` in decimal, with zeros in front up to `width` digits.
  package mutating func append(decimal value: Int64, width: Int = 0) {
    if value < 0 { append(UInt8(ascii: "-")) }
    var digits = 1
    var rest = value.magnitude / 10
    while rest > 0 {
      digits += 1
      rest /= 10
    }
    let end = count + Swift.max(digits, width)
    while count < end { append(UInt8(ascii: "0")) }
    rest = value.magnitude
    for place in stride(from: end - 1, to: end - 1 - digits, by: -1) {
      self[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Appends `value` as sixteen lower-case hexadecimal digits, or as many of them as `digits` says.
  mutating func append(hex value: UInt64, digits: Int = 16) {
    for place in 0..<Swift.min(digits, 16) {
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * place) & 15)
      append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// Appends a part of this very array. (`append(contentsOf: self[…])` would copy the whole array first.)
  mutating func appendOwn(_ range: Range<Int>) {
    reserveCapacity(count + range.count)
    for index in range { append(self[index]) }
  }
}

/// Reads a whole decimal number with an optional sign; nil when `bytes` is anything else or does not fit.
func decimal(_ bytes: ArraySlice<UInt8>) -> Int64? {
  var digits = bytes
  let isNegative = digits.first == UInt8(ascii: "-")
  if isNegative { digits.removeFirst() }
  guard !digits.isEmpty else { return nil }
  var value: Int64 = 0
  for byte in digits {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    let digit = Int64(byte - UInt8(ascii: "0"))
    let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
    let (next, overflow2) = scaled.subtractingReportingOverflow(digit)
    if overflow || overflow2 { return nil }
    value = next
  }
  if isNegative { return value }
  return value == .min ? nil : -value
}
