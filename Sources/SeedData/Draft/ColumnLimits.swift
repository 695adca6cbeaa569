/// What checks ask of a table's columns, as far as they are understood.
struct ColumnLimits: Equatable {
  struct Limits: Equatable {
    var least: Double?
    var most: Double?
    /// The only values allowed; empty when there is no such list.
    var allowed: [String] = []
    var pattern: String?
    /// What the text begins with.
    var prefix: String?
    var leastLength: Int?
    var mostLength: Int?
    var isLower = false
    var isUpper = false
    /// Times, as texts.
    var notBefore: String?
    var notAfter: String?
    /// Must stay NULL, since another column of a group is the one that is filled.
    var isEmpty = false
  }

  private(set) var columns: [String: Limits] = [:]
  /// Pairs of which the first is not after the second.
  private(set) var ascending: [(String, String)] = []

  static func == (one: ColumnLimits, other: ColumnLimits) -> Bool {
    one.columns == other.columns && one.ascending.elementsEqual(other.ascending, by: ==)
  }

  init(_ table: TableShape) {
    for check in table.checks { note(CheckExpression(definition: check), value: nil) }
    for column in table.columns {
      for check in column.domainChecks { note(CheckExpression(definition: check), value: column.name) }
    }
  }

  subscript(column: String) -> Limits { columns[column] ?? Limits() }

  /// - Parameter value: the column that `VALUE` stands for.
  private mutating func note(_ expression: CheckExpression, value: String?) {
    switch expression {
    case .and(let parts): for part in parts { note(part, value: value) }
    case .or(let parts):
      // One of them is enough: the first that says something, of those that do not ask for NULL.
      if let part = parts.first(where: { part in
        switch part {
        case .isNull, .other: false
        default: true
        }
      }) {
        note(part, value: value)
      }
    case .comparison(let sign, let left, let right): compare(sign, left, right, value)
    case .column, .number, .text, .list, .call, .isNull, .isNotNull, .other: break
    }
  }

  private mutating func compare(
    _ sign: String, _ left: CheckExpression, _ right: CheckExpression, _ value: String?
  ) {
    func name(_ expression: CheckExpression) -> String? {
      guard case .column(let name) = expression else { return nil }
      return name == "VALUE" ? value : name
    }
    let mirrored = ["<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="]
    switch (left, right) {
    case (.column, .column):
      guard let left = name(left), let right = name(right) else { return }
      if sign.hasPrefix("<"), sign != "<>" { ascending.append((left, right)) }
      if sign.hasPrefix(">") { ascending.append((right, left)) }
    case (.number, .column), (.text, .column):
      if let sign = mirrored[sign] { compare(sign, right, left, value) }
    case (.column, .number(let number)):
      if let column = name(left) { bound(&columns[column, default: Limits()], sign, number) }
    case (.column, .text(let text)):
      guard let column = name(left) else { return }
      switch sign {
      case "~", "~*": columns[column, default: Limits()].pattern = text
      case "~~":
        // LIKE, as a regular expression; with its only % at the end, a beginning.
        let body = text.dropLast()
        if text.hasSuffix("%"), !body.contains(where: { "%_\\".contains($0) }) {
          columns[column, default: Limits()].prefix = String(body)
        } else {
          columns[column, default: Limits()].pattern = text.map { character in
            switch character {
            case "%": ".+"
            case "_": "."
            default: character.isLetter || character.isNumber ? String(character) : "\\\(character)"
            }
          }.joined()
        }
      case "=": columns[column, default: Limits()].allowed = [text]
      case ">", ">=":
        columns[column, default: Limits()].notBefore = text
        if let number = Double(text) { bound(&columns[column, default: Limits()], sign, number) }
      case "<", "<=":
        columns[column, default: Limits()].notAfter = text
        if let number = Double(text) { bound(&columns[column, default: Limits()], sign, number) }
      default: break
      }
    case (.column, .list(let values)) where sign == "in":
      guard let column = name(left) else { return }
      columns[column, default: Limits()].allowed = values.compactMap { value in
        switch value {
        case .text(let text): text
        case .number(let number): number == number.rounded() ? String(Int(number)) : String(number)
        default: nil
        }
      }
    case (.column, .call(let function, let arguments)):
      guard let column = name(left), arguments.count == 1, name(arguments[0]) == column else { return }
      if function == "lower" { columns[column, default: Limits()].isLower = true }
      if function == "upper" { columns[column, default: Limits()].isUpper = true }
    case (.call(let function, let arguments), .number(let number)):
      measure(function, arguments, sign, number, value)
    case (.call, .column): compare(mirrored[sign] ?? sign, right, left, value)
    default: break
    }
  }

  private mutating func measure(
    _ function: String, _ arguments: [CheckExpression], _ sign: String, _ number: Double, _ value: String?
  ) {
    let names = arguments.compactMap { argument -> String? in
      guard case .column(let name) = argument else { return nil }
      return name == "VALUE" ? value : name
    }
    switch function {
    case "length", "char_length", "character_length", "octet_length":
      guard names.count == 1 else { return }
      var limits = Limits()
      bound(&limits, sign, number)
      if let least = limits.least { columns[names[0], default: Limits()].leastLength = Int(least) }
      if let most = limits.most { columns[names[0], default: Limits()].mostLength = Int(most) }
    case "num_nonnulls" where sign == "=" || sign == "<=":
      for name in names.dropFirst(Int(max(number, 0))) { columns[name, default: Limits()].isEmpty = true }
    default: break
    }
  }

  private func bound(_ limits: inout Limits, _ sign: String, _ number: Double) {
    // Whole numbers are what plans make; the next one is as good as any above.
    switch sign {
    case ">=": limits.least = number.rounded(.up)
    case ">": limits.least = number.rounded(.down) + 1
    case "<=": limits.most = number.rounded(.down)
    case "<": limits.most = number.rounded(.up) - 1
    case "=":
      limits.least = number
      limits.most = number
    default: break
    }
  }
}
