/// An IPv4 or IPv6 address as bytes. An IPv4 address within IPv6 (`::ffff:10.0.0.1`) is the IPv4 one.
package struct NetworkAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
  /// 4 or 16.
  package let bytes: [UInt8]

  /// - Returns: `nil` unless there are 4 or 16 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]
    self.bytes = bytes.count == 16 && bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
  }

  /// Source: RFC 4291, section 2.2. Names and zones (`fe80::1%eth0`) are none.
  package init?(_ text: some StringProtocol) {
    guard let bytes = text.contains(":") ? Self.version6(text) : Self.version4(text) else { return nil }
    self.init(bytes: bytes)
  }

  package var isVersion6: Bool { bytes.count == 16 }

  package var description: String {
    guard isVersion6 else { return bytes.map { String($0) }.joined(separator: ".") }
    let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    // The longest run of zeros, if it is more than one group, is left out (RFC 5952).
    var best = 0..<0
    var start = 0
    for index in 0...8 where index == 8 || groups[index] != 0 {
      if index - start > best.count, index - start > 1 { best = start..<index }
      start = index + 1
    }
    func hex(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return best.isEmpty ? hex(0..<8) : hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
  }

  private static func version4(_ text: some StringProtocol) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let byte = UInt8(part)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func version6(_ text: some StringProtocol) -> [UInt8]? {
    let halves = String(text).splitOnDoubleColon()
    guard let head = groups(halves.head), let tail = groups(halves.tail ?? "") else { return nil }
    guard halves.tail != nil else { return head.count == 16 ? head : nil }
    let missing = 16 - head.count - tail.count
    return missing >= 2 ? head + Array(repeating: 0, count: missing) + tail : nil
  }

  private static func groups(_ text: String) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if part.contains("."), index == parts.count - 1 {
        guard let last = version4(part) else { return nil }
        bytes += last
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
          let group = UInt16(part, radix: 16)
        else { return nil }
        bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
      }
    }
    return bytes
  }
}

extension String {
  /// What stands before and behind the first `::`; no tail where there is none.
  fileprivate func splitOnDoubleColon() -> (head: String, tail: String?) {
    let bytes = Array(utf8)
    for index in bytes.indices.dropLast() where bytes[index] == 0x3A && bytes[index + 1] == 0x3A {
      return (
        String(decoding: bytes[..<index], as: UTF8.self),
        String(decoding: bytes[(index + 2)...], as: UTF8.self)
      )
    }
    return (self, nil)
  }
}

/// A network: the addresses whose first bits are given.
package struct Network: Equatable, Sendable {
  package let address: NetworkAddress
  /// 0 to 32 or 128.
  package let prefix: Int

  /// `10.0.0.0/8`, `::1/128`, or an address alone.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = NetworkAddress(first) else { return nil }
    guard parts.count == 2 else {
      self.init(address, prefix: address.bytes.count * 8)
      return
    }
    guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let prefix = Int(parts[1]) else {
      return nil
    }
    // As it is written: the bits of an IPv4 address within IPv6 count from the IPv6 address's beginning.
    let isMapped = first.contains(":") && !address.isVersion6
    guard !isMapped || prefix >= 96 else { return nil }
    self.init(address, prefix: isMapped ? prefix - 96 : prefix)
  }

  /// An address and its mask, as 255.255.0.0.
  package init?(_ address: NetworkAddress, mask: NetworkAddress) {
    guard address.bytes.count == mask.bytes.count else { return nil }
    let bits = mask.bytes.reduce(into: "") { text, byte in
      let digits = String(byte, radix: 2)
      text += String(repeating: "0", count: 8 - digits.count) + digits
    }
    guard !bits.contains("01") else { return nil }
    self.init(address, prefix: bits.prefix { $0 == "1" }.count)
  }

  private init?(_ address: NetworkAddress, prefix: Int) {
    guard (0...address.bytes.count * 8).contains(prefix) else { return nil }
    self.address = address
    self.prefix = prefix
  }

  package func contains(_ other: NetworkAddress) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    let whole = prefix / 8
    guard other.bytes[..<whole] == address.bytes[..<whole] else { return false }
    let rest = prefix % 8
    guard rest > 0 else { return true }
    let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
    return other.bytes[whole] & mask == address.bytes[whole] & mask
  }
}
