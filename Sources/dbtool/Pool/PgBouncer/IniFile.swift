import DatabaseTools

/// A `pgbouncer.ini`: sections of keys with their values, each with its line.
/// Source: PgBouncer's manual, "config"; its reader, `lib/usual/cfparser.c`: `;` and `#` begin comments at the start of a
/// line only, and a value goes to its line's end.
struct IniFile: Sendable {
  struct Entry: Equatable, Sendable {
    let key: String
    let value: String
    /// From 1.
    let line: Int
  }

  struct Section: Equatable, Sendable {
    let name: String
    let entries: [Entry]
  }

  let path: String
  let sections: [Section]

  /// - Throws: `Failure` with the line that is none.
  init(_ text: String, path: String) throws(Failure) {
    self.path = path
    var sections: [Section] = []
    var name: String?
    var entries: [Entry] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let line = Self.trimmed(line)
      let place = Failure.Place(file: path, line: index + 1)
      if line.isEmpty || line.hasPrefix(";") || line.hasPrefix("#") { continue }
      if line.hasPrefix("%include") {
        throw Failure(
          "%include is not followed", place: place,
          hint: "put what it names here, for the time of the conversion")
      }
      if line.hasPrefix("[") {
        guard line.hasSuffix("]") else { throw Failure("a section's name has no ] at its end", place: place) }
        if let name { sections.append(Section(name: name, entries: entries)) }
        name = String(line.dropFirst().dropLast())
        entries = []
        continue
      }
      guard let sign = line.firstIndex(of: "=") else {
        throw Failure("neither a section nor key = value", place: place)
      }
      guard name != nil else { throw Failure("a key before the first section", place: place) }
      entries.append(
        Entry(
          key: Self.trimmed(line[..<sign]), value: Self.trimmed(line[line.index(after: sign)...]),
          line: index + 1))
    }
    if let name { sections.append(Section(name: name, entries: entries)) }
    self.sections = sections
  }

  /// The entries of all sections of this name.
  func entries(_ name: String) -> [Entry] { sections.filter { $0.name == name }.flatMap(\.entries) }

  /// The last one counts, as PgBouncer reads it.
  func value(_ key: String, in section: String = "pgbouncer") -> String? {
    entries(section).last { $0.key == key }?.value
  }

  /// A connection string as `[databases]` has it: `host=db port=5432 password='it''s'`. `nil` when it is none.
  static func pairs(_ text: String) -> [(key: String, value: String)]? {
    var pairs: [(key: String, value: String)] = []
    var rest = text[...]
    while true {
      rest = rest.drop { $0.isWhitespace }
      guard !rest.isEmpty else { return pairs }
      guard let sign = rest.firstIndex(of: "=") else { return nil }
      let key = trimmed(rest[..<sign])
      rest = rest[rest.index(after: sign)...].drop { $0.isWhitespace }
      var value = ""
      if rest.first == "'" {
        rest.removeFirst()
        while let character = rest.popFirst() {
          if character == "'" {
            guard rest.first == "'" else { break }
            rest.removeFirst()
          }
          value.append(character)
          if rest.isEmpty { return nil }
        }
      } else {
        value = String(rest.prefix { !$0.isWhitespace })
        rest = rest.dropFirst(value.count)
      }
      guard !key.isEmpty, !key.contains(where: \.isWhitespace) else { return nil }
      pairs.append((key, value))
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
