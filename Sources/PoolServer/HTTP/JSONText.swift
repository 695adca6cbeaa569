/// A JSON document that is only written.
indirect enum JSONText {
  case number(String)
  case flag(Bool)
  case text(String)
  case list([JSONText])
  case object([(name: String, value: JSONText)])
  case null

  static func count(_ value: some BinaryInteger) -> JSONText { .number(String(value)) }

  /// In seconds, exact.
  static func seconds(_ nanoseconds: UInt64) -> JSONText {
    .number(MetricsText.seconds(nanoseconds: nanoseconds))
  }

  func write(to result: inout String) {
    switch self {
    case .number(let digits): result += digits
    case .flag(let value): result += value ? "true" : "false"
    case .text(let text): Self.quote(text, to: &result)
    case .null: result += "null"
    case .list(let values):
      result += "["
      for (index, value) in values.enumerated() {
        if index > 0 { result += "," }
        value.write(to: &result)
      }
      result += "]"
    case .object(let members):
      result += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { result += "," }
        Self.quote(member.name, to: &result)
        result += ":"
        member.value.write(to: &result)
      }
      result += "}"
    }
  }

  /// Source: RFC 8259, section 7. What begins a tag is escaped, too, so that the text may stand in a page.
  private static func quote(_ text: String, to result: inout String) {
    result += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "<", "\u{2028}", "\u{2029}", "\u{7F}": escape(scalar, to: &result)
      case let scalar where scalar.value < 0x20: escape(scalar, to: &result)
      default: result.unicodeScalars.append(scalar)
      }
    }
    result += "\""
  }

  private static func escape(_ scalar: Unicode.Scalar, to result: inout String) {
    let digits = String(scalar.value, radix: 16)
    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
