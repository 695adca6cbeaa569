/// A migration's version: numbers of any length between dots, `1.2`, `20240131.1`.
///
/// Written text is kept for display and for the history table; equality and order are by number, with
/// trailing zero parts dropped, so `1`, `1.0` and `01` are one version. A leading minus is taken, as Flyway does.
package struct MigrationVersion: Sendable {
  /// As written, with `_` turned into `.`: `1_2` is `1.2`, `004` stays `004`.
  package let text: String
  private let parts: [Part]

  /// - Throws: `MigrationError.invalidVersion` for anything but numbers between dots.
  package init(_ written: String) throws(MigrationError) {
    let text = String(written.map { $0 == "_" ? "." : $0 })
    var parts: [Part] = []
    for piece in Self.split(text) {
      guard let part = Part(piece) else { throw .invalidVersion(text) }
      parts.append(part)
    }
    while parts.count > 1, let last = parts.last, last.isZero { parts.removeLast() }
    self.text = text
    self.parts = parts
  }

  /// Cuts at each dot that a digit follows; a dot without one stays and makes the part invalid.
  private static func split(_ text: String) -> [Substring.UTF8View] {
    let bytes = text.utf8
    var pieces: [Substring.UTF8View] = []
    var start = bytes.startIndex
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let next = bytes.index(after: index)
      if bytes[index] == UInt8(ascii: "."), next < bytes.endIndex, isDigit(bytes[next]) {
        pieces.append(bytes[start..<index])
        start = next
      }
      index = next
    }
    pieces.append(bytes[start...])
    return pieces
  }

  fileprivate static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

  /// One whole number of any length.
  private struct Part: Hashable, Comparable, Sendable {
    let isNegative: Bool
    /// Without leading zeros; empty for zero.
    let digits: [UInt8]

    var isZero: Bool { digits.isEmpty }

    init?(_ bytes: Substring.UTF8View) {
      var rest = bytes
      let sign = rest.first
      let signed = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
      if signed { rest = rest.dropFirst() }
      guard !rest.isEmpty, rest.allSatisfy({ MigrationVersion.isDigit($0) }) else { return nil }
      digits = Array(rest.drop { $0 == UInt8(ascii: "0") })
      isNegative = sign == UInt8(ascii: "-") && !digits.isEmpty
    }

    private init() {
      isNegative = false
      digits = []
    }

    static let zero = Part()

    static func < (left: Part, right: Part) -> Bool {
      if left.isNegative != right.isNegative { return left.isNegative }
      return left.isNegative ? isSmaller(right.digits, left.digits) : isSmaller(left.digits, right.digits)
    }

    private static func isSmaller(_ left: [UInt8], _ right: [UInt8]) -> Bool {
      left.count != right.count ? left.count < right.count : left.lexicographicallyPrecedes(right)
    }
  }
}

extension MigrationVersion: Hashable, Comparable {
  package static func == (left: MigrationVersion, right: MigrationVersion) -> Bool {
    left.parts == right.parts
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(parts) }

  package static func < (left: MigrationVersion, right: MigrationVersion) -> Bool {
    for index in 0..<max(left.parts.count, right.parts.count) {
      let one = index < left.parts.count ? left.parts[index] : .zero
      let other = index < right.parts.count ? right.parts[index] : .zero
      if one != other { return one < other }
    }
    return false
  }
}
