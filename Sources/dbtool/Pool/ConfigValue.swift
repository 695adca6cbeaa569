import TOMLKit

/// A value of a TOML document, free of the library that read it.
indirect enum ConfigValue: Equatable, Sendable {
  case text(String)
  case integer(Int)
  case number(Double)
  case toggle(Bool)
  case array([ConfigValue])
  case table([String: ConfigValue])
  /// Dates and times, which no key takes.
  case other(String)

  init(_ value: any TOMLValueConvertible) {
    switch value.type {
    case .string: self = .text(value.string ?? "")
    case .int: self = .integer(value.int ?? 0)
    case .double: self = .number(value.double ?? 0)
    case .bool: self = .toggle(value.bool ?? false)
    case .array: self = .array((value.array.map { Array($0) } ?? []).map { ConfigValue($0) })
    case .table:
      var members: [String: ConfigValue] = [:]
      if let table = value.table { for (key, value) in table { members[key] = ConfigValue(value) } }
      self = .table(members)
    case .date, .time, .dateTime: self = .other(value.type.description)
    }
  }

  var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  /// For messages; never the value itself, which may be a secret that stands at the wrong key.
  var kindName: String {
    switch self {
    case .text: "a text"
    case .integer, .number: "a number"
    case .toggle(let value): String(value)
    case .array: "a list"
    case .table: "a table"
    case .other(let name): "a \(name)"
    }
  }
}
