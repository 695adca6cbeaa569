/// A JSON value that keeps the order of its members: for the documents we print and the small ones we read.
package indirect enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  /// A number that is not an integer, as it is written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One `"name": value` of an object.
  package struct Member: Sendable, Equatable {
    package var name: String
    package var value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The member called `name`; nil when there is none or this is no object.
  package subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  /// A string's or a number's text; nil for anything else.
  package var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    case .integer(let value): String(value)
    case .null, .bool, .array, .object: nil
    }
  }

  // MARK: - Writing

  /// On one line, or with two blanks of indent for people.
  package func text(pretty: Bool = false) -> String {
    var result = ""
    write(to: &result, indent: pretty ? 0 : nil)
    return result
  }

  private func write(to result: inout String, indent: Int?) {
    switch self {
    case .null: result += "null"
    case .bool(let value): result += value ? "true" : "false"
    case .integer(let value): result += String(value)
    case .number(let text): result += text
    case .string(let text): Self.quote(text, to: &result)
    case .array(let values):
      Self.list(values.count, "[", "]", to: &result, indent) { index, result, indent in
        values[index].write(to: &result, indent: indent)
      }
    case .object(let members):
      Self.list(members.count, "{", "}", to: &result, indent) { index, result, indent in
        Self.quote(members[index].name, to: &result)
        result += indent == nil ? ":" : ": "
        members[index].value.write(to: &result, indent: indent)
      }
    }
  }

  private static func list(
    _ count: Int, _ open: String, _ close: String, to result: inout String, _ indent: Int?,
    _ item: (Int, inout String, Int?) -> Void
  ) {
    result += open
    let inner = indent.map { $0 + 2 }
    for index in 0..<count {
      if index > 0 { result += "," }
      if let inner { result += "\n" + String(repeating: " ", count: inner) }
      item(index, &result, inner)
    }
    if let indent, count > 0 { result += "\n" + String(repeating: " ", count: indent) }
    result += close
  }

  private static func quote(_ text: String, to result: inout String) {
    result += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case let control where control.value < 0x20 || control.value == 0x7F:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    result += "\""
  }
}
