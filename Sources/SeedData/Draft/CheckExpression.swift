/// A check's condition, as far as it is understood. Casts are read over.
indirect enum CheckExpression: Equatable {
  case column(String)
  case number(Double)
  case text(String)
  case list([CheckExpression])
  case call(String, [CheckExpression])
  case comparison(String, CheckExpression, CheckExpression)
  case and([CheckExpression])
  case or([CheckExpression])
  case isNull(CheckExpression)
  case isNotNull(CheckExpression)
  /// Something else; nothing follows from it.
  case other

  /// - Parameter definition: what `pg_get_constraintdef` gives: `CHECK ((price >= 0))`.
  init(definition: String) {
    var reader = CheckReader(definition)
    self = reader.definition()
  }
}

/// Reads PostgreSQL's own spelling of conditions, which is more regular than what people write.
private struct CheckReader {
  private enum Token: Equatable {
    case word(String)
    case quotedName(String)
    case number(Double)
    case text(String)
    case sign(String)
  }

  private var tokens: [Token] = []
  private var next = 0

  init(_ text: String) {
    let characters = Array(text)
    var index = 0
    func isWord(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || character == "_"
    }
    while index < characters.count {
      let character = characters[index]
      if character.isWhitespace {
        index += 1
      } else if character == "'" || character == "\"" {
        var value = ""
        index += 1
        while index < characters.count {
          if characters[index] == character {
            guard index + 1 < characters.count, characters[index + 1] == character else { break }
            index += 1
          }
          value.append(characters[index])
          index += 1
        }
        index += 1
        tokens.append(character == "'" ? .text(value) : .quotedName(value))
      } else if character.isNumber {
        var value = ""
        while index < characters.count, characters[index].isNumber || characters[index] == "." {
          value.append(characters[index])
          index += 1
        }
        tokens.append(.number(Double(value) ?? 0))
      } else if isWord(character) {
        var value = ""
        while index < characters.count, isWord(characters[index]) {
          value.append(characters[index])
          index += 1
        }
        tokens.append(.word(value))
      } else if "()[],.".contains(character) {
        tokens.append(.sign(String(character)))
        index += 1
      } else {
        var value = ""
        while index < characters.count, "<>=!~:+-*/%^&|#@?".contains(characters[index]) {
          value.append(characters[index])
          index += 1
        }
        if value.isEmpty {
          value = String(character)
          index += 1
        }
        tokens.append(.sign(value))
      }
    }
  }

  mutating func definition() -> CheckExpression {
    guard take(word: "CHECK") else { return .other }
    return either()
  }

  // MARK: - Grammar

  private mutating func either() -> CheckExpression {
    var parts = [both()]
    while take(word: "OR") { parts.append(both()) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }

  private mutating func both() -> CheckExpression {
    var parts = [negation()]
    while take(word: "AND") { parts.append(negation()) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }

  private mutating func negation() -> CheckExpression {
    guard take(word: "NOT") else { return comparison() }
    _ = comparison()
    return .other
  }

  private mutating func comparison() -> CheckExpression {
    let left = operand()
    if take(word: "IS") {
      let isNot = take(word: "NOT")
      guard take(word: "NULL") else {
        while !atEnd { next += 1 }
        return .other
      }
      return isNot ? .isNotNull(left) : .isNull(left)
    }
    guard case .sign(let sign)? = peek, sign != ")", sign != ",", sign != "]" else { return left }
    next += 1
    if take(word: "ANY") {
      let right = operand()
      return .comparison("in", left, right)
    }
    let right = operand()
    // Arithmetic, or a chain of operators: nothing that is understood.
    if case .sign(let more)? = peek, more != ")", more != ",", more != "]" {
      while case .sign(let more)? = peek, more != ")", more != ",", more != "]" {
        next += 1
        _ = operand()
      }
      return .other
    }
    return ["<", "<=", ">", ">=", "=", "<>", "~", "~*", "~~"].contains(sign)
      ? .comparison(sign, left, right) : .other
  }

  private mutating func operand() -> CheckExpression {
    var value = primary()
    while true {
      if take(sign: "::") {
        typeName()
      } else if take(sign: "[") {
        _ = either()
        _ = take(sign: "]")
        value = .other
      } else {
        return value
      }
    }
  }

  private mutating func primary() -> CheckExpression {
    guard let token = peek else { return .other }
    next += 1
    switch token {
    case .number(let number): return .number(number)
    case .text(let text): return .text(text)
    case .quotedName(let name): return .column(name)
    case .sign("("):
      let inner = either()
      skip(to: ")")
      return inner
    case .sign("-"):
      if case .number(let number) = primary() { return .number(-number) }
      return .other
    case .sign: return .other
    case .word(let word):
      if word == "ARRAY", take(sign: "[") {
        let values = list(until: "]")
        return .list(values)
      }
      if take(sign: "(") { return .call(word.lowercased(), list(until: ")")) }
      return .column(word)
    }
  }

  private mutating func list(until end: String) -> [CheckExpression] {
    var values: [CheckExpression] = []
    while !atEnd {
      if take(sign: end) { return values }
      values.append(either())
      if !take(sign: ",") {
        skip(to: end)
        return values
      }
    }
    return values
  }

  /// `character varying(20)[]`, `timestamp without time zone`.
  private mutating func typeName() {
    while let token = peek {
      switch token {
      case .quotedName: next += 1
      case .word(let word):
        if ["AND", "OR", "IS", "NOT"].contains(word) { return }
        next += 1
      case .sign("."): next += 1
      case .sign("("):
        next += 1
        skip(to: ")")
      case .sign("["):
        next += 1
        skip(to: "]")
      case .sign, .number, .text: return
      }
    }
  }

  // MARK: - Tokens

  private var peek: Token? { next < tokens.count ? tokens[next] : nil }
  private var atEnd: Bool { next >= tokens.count }

  private mutating func take(word: String) -> Bool {
    guard peek == .word(word) else { return false }
    next += 1
    return true
  }

  private mutating func take(sign: String) -> Bool {
    guard peek == .sign(sign) else { return false }
    next += 1
    return true
  }

  private mutating func skip(to end: String) {
    var depth = 0
    while let token = peek {
      next += 1
      if depth == 0, token == .sign(end) { return }
      if token == .sign("(") || token == .sign("[") { depth += 1 }
      if token == .sign(")") || token == .sign("]") { depth -= 1 }
    }
  }
}
