private import TOMLKit

/// A value of a plan file, free of the TOML library.
enum PlanValue: Sendable, Equatable {
  case text(String)
  case integer(Int)
  case number(Double)
  case bool(Bool)
  case list([PlanValue])
  case table([String: PlanValue])
  /// A date or a time, which plans write as text.
  case moment

  /// Reads a whole document.
  static func document(_ text: String, path: String) throws(Failure) -> [String: PlanValue] {
    do {
      return members(of: try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      let line = error.source.begin.line
      throw Failure(
        "the plan is not valid TOML: \(error.description)",
        place: Failure.Place(file: path, line: line, column: error.source.begin.column),
        excerpt: PlanText(path: path, text: text).excerpt(line: line, column: error.source.begin.column))
    } catch {
      throw Failure("the plan is not valid TOML: \(error)", place: Failure.Place(file: path))
    }
  }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .text: "a text"
    case .integer: "a whole number"
    case .number: "a number"
    case .bool: "true or false"
    case .list: "a list"
    case .table: "a table"
    case .moment: "a date without quotes"
    }
  }

  private static func members(of table: TOMLTable) -> [String: PlanValue] {
    var members: [String: PlanValue] = [:]
    for key in table.keys {
      if let value = table[key] { members[key] = PlanValue(value) }
    }
    return members
  }

  private init(_ value: any TOMLValueConvertible) {
    switch value.type {
    case .string: self = .text(value.string ?? "")
    case .int: self = .integer(value.int ?? 0)
    case .double: self = .number(value.double ?? 0)
    case .bool: self = .bool(value.bool ?? false)
    case .array: self = .list((value.array ?? TOMLArray()).map { PlanValue($0) })
    case .table: self = .table(Self.members(of: value.table ?? TOMLTable()))
    case .date, .time, .dateTime: self = .moment
    }
  }
}
