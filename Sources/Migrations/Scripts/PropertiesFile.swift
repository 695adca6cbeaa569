/// Reads Java's `.properties` form as Flyway's configuration files use it: `key=value` or `key:value`, `#` and
/// `!` comments, blanks around both trimmed. A backslash is an ordinary character, except the last of a line,
/// which joins the next one to it.
package enum PropertiesFile {
  /// A key with its value and the line it began on, from 1.
  package struct Entry: Sendable, Equatable {
    package var key: String
    package var value: String
    package var line: Int
  }

  /// - Parameter environment: what `${NAME}` in a value stands for; a name without a value gives nothing, and
  ///   `${what.is-no:name}` stays. Nil leaves all such places as they are.
  package static func entries(of text: String, environment: ((String) -> String?)? = nil) -> [Entry] {
    var entries: [Entry] = []
    var pending: (text: String, line: Int)?
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, raw) in lines.enumerated() {
      let trimmed = trim(raw)
      if pending == nil, trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix("!") { continue }
      let logical = (pending?.text ?? "") + trimmed
      let start = pending?.line ?? index + 1
      if logical.hasSuffix("\\"), index + 1 < lines.count {
        pending = (String(logical.dropLast()), start)
        continue
      }
      pending = nil
      let (key, value) = split(logical)
      if !key.isEmpty {
        entries.append(Entry(key: key, value: environment.map { expand(value, $0) } ?? value, line: start))
      }
    }
    return entries
  }

  private static func split(_ line: String) -> (String, String) {
    guard let cut = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return (line, "") }
    return (String(trim(line[..<cut])), String(trim(line[line.index(after: cut)...])))
  }

  private static func expand(_ value: String, _ environment: (String) -> String?) -> String {
    var result = ""
    var rest = value[...]
    while let open = rest.range(of: "${") {
      let name = rest[open.upperBound...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      let end = rest[name.endIndex...]
      guard !name.isEmpty, end.first == "}" else {
        result += rest[..<open.upperBound]
        rest = rest[open.upperBound...]
        continue
      }
      result += rest[..<open.lowerBound] + (environment(String(name)) ?? "")
      rest = end.dropFirst()
    }
    return result + rest
  }

  static func trim(_ text: some StringProtocol) -> String {
    var part = text[...]
    while let first = part.first, first.isWhitespace { part = part.dropFirst() }
    while let last = part.last, last.isWhitespace { part = part.dropLast() }
    return String(part)
  }
}

extension Substring {
  /// Where `text` first stands in this one.
  fileprivate func range(of text: String) -> Range<Index>? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
      index = self.index(after: index)
    }
    return nil
  }
}
