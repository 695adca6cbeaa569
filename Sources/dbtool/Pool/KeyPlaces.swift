/// Where each key of a TOML document stands: the library that reads it does not say.
///
/// Reads documents that are known to be valid, so it only has to tell keys from values; on anything else it stops
/// early and knows fewer places. Source: TOML 1.0, "Keys", "Table", "Array of Tables", "Inline Table".
struct KeyPlaces: Sendable {
  /// Line and columns count characters from 1.
  struct Place: Equatable, Sendable {
    let line: Int
    let column: Int
    /// Where the value begins; for a table's header the same as `column`.
    let valueColumn: Int
  }

  /// By path: `pool.tls.mode`, `pool.users[1].name`.
  private(set) var places: [String: Place] = [:]
  /// Keys in the order of the document.
  private(set) var order: [String] = []

  private let characters: [Character]
  private var position = 0
  private var line = 1
  private var lineStart = 0
  /// How many `[[name]]` there were.
  private var counts: [String: Int] = [:]

  init(_ text: String) {
    characters = Array(text)
    read()
  }

  /// The place of a key, or of the nearest thing around it that has one.
  func place(of path: String) -> Place? {
    var path = path[...]
    while !path.isEmpty {
      if let place = places[String(path)] { return place }
      guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
      path = path[..<cut]
    }
    return nil
  }

  // MARK: Statements

  private mutating func read() {
    var table = ""
    while true {
      skipBlanks(newlines: true)
      guard let character = peek else { return }
      if character == "[" {
        table = header()
      } else {
        guard keyAndValue(in: table) else { return }
      }
    }
  }

  private mutating func header() -> String {
    let column = column
    advance()
    let isArray = peek == "["
    if isArray { advance() }
    skipBlanks(newlines: false)
    let parts = dottedKey()
    var path = ""
    for (index, part) in parts.enumerated() {
      path = path.isEmpty ? part : path + "." + part
      if index == parts.count - 1, isArray {
        counts[path, default: 0] += 1
        path += "[\(counts[path, default: 1] - 1)]"
      } else if let count = counts[path] {
        path += "[\(count - 1)]"
      }
    }
    record(path, Place(line: line, column: column, valueColumn: column))
    while let character = peek, !character.isNewline { _ = character; advance() }
    return path
  }

  /// - Returns: false when this is no key, and so the rest is not understood.
  private mutating func keyAndValue(in table: String) -> Bool {
    let (start, startLine) = (column, line)
    let parts = dottedKey()
    skipBlanks(newlines: false)
    guard !parts.isEmpty, peek == "=" else { return false }
    advance()
    skipBlanks(newlines: false)
    let path = (table.isEmpty ? parts : [table] + parts).joined(separator: ".")
    record(path, Place(line: startLine, column: start, valueColumn: column))
    value(path)
    return true
  }

  private mutating func record(_ path: String, _ place: Place) {
    guard places[path] == nil else { return }
    places[path] = place
    order.append(path)
  }

  /// `a.b."c d"`.
  private mutating func dottedKey() -> [String] {
    var parts: [String] = []
    while let character = peek {
      if character == "\"" || character == "'" {
        advance()
        var part = ""
        while let inner = peek, inner != character, !inner.isNewline {
          if inner == "\\", character == "\"" { advance() }
          if let inner = peek { part.append(inner) }
          advance()
        }
        advance()
        parts.append(part)
      } else {
        var part = ""
        while let inner = peek, inner.isLetter || inner.isNumber || inner == "_" || inner == "-" {
          part.append(inner)
          advance()
        }
        if part.isEmpty { return parts }
        parts.append(part)
      }
      skipBlanks(newlines: false)
      guard peek == "." else { return parts }
      advance()
      skipBlanks(newlines: false)
    }
    return parts
  }

  // MARK: Values

  private mutating func value(_ path: String) {
    switch peek {
    case "\"", "'": string()
    case "[": array(path)
    case "{": inlineTable(path)
    // A number, a date or a boolean.
    default: while let character = peek, !character.isNewline, !",]}#".contains(character) { advance() }
    }
  }

  private mutating func string() {
    guard let quote = peek else { return }
    let isLong = at(1) == quote && at(2) == quote
    for _ in 0..<(isLong ? 3 : 1) { advance() }
    while let character = peek {
      if character == "\\", quote == "\"" {
        advance()
      } else if character == quote, !isLong || (at(1) == quote && at(2) == quote && at(3) != quote) {
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        return
      }
      advance()
    }
  }

  private mutating func array(_ path: String) {
    advance()
    var index = 0
    while true {
      skipBlanks(newlines: true)
      guard let character = peek else { return }
      advance(if: character == "," || character == "]")
      if character == "]" { return }
      if character == "," { continue }
      let before = position
      value("\(path)[\(index)]")
      index += 1
      if position == before { return }
    }
  }

  private mutating func inlineTable(_ path: String) {
    advance()
    while true {
      skipBlanks(newlines: true)
      guard let character = peek else { return }
      advance(if: character == "," || character == "}")
      if character == "}" { return }
      if character == "," { continue }
      guard keyAndValue(in: path) else { return }
    }
  }

  // MARK: Characters

  private var peek: Character? { at(0) }
  private var column: Int { position - lineStart + 1 }

  private func at(_ offset: Int) -> Character? {
    position + offset < characters.count ? characters[position + offset] : nil
  }

  private mutating func advance(if condition: Bool = true) {
    guard condition, position < characters.count else { return }
    let isLineEnd = characters[position].isNewline
    position += 1
    if isLineEnd {
      line += 1
      lineStart = position
    }
  }

  private mutating func skipBlanks(newlines: Bool) {
    while let character = peek {
      if character == "#" {
        while let inner = peek, !inner.isNewline { _ = inner; advance() }
      } else if character == " " || character == "\t" || (newlines && character.isNewline) {
        advance()
      } else {
        return
      }
    }
  }
}
