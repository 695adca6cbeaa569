/// `host=db port=5432 dbname=shop password='it''s'`. Source: PostgreSQL manual, "Keyword/Value Connection
/// Strings": spaces around `=` are allowed, quotes `'…'`, backslash escapes.
enum KeyValueString {
  static func source(_ text: String, from name: String, known: [String]) throws(Failure) -> TargetSource {
    var result = TargetSource(name: name)
    var rest = text[...]
    var previous: String?
    while true {
      rest = rest.drop(while: \.isWhitespace)
      if rest.isEmpty { break }
      let key = String(rest.prefix { $0 != "=" && !$0.isWhitespace })
      rest = rest.dropFirst(key.count).drop(while: \.isWhitespace)
      guard rest.first == "=" else {
        // The word may be the second half of a password with a blank in it: it is not repeated.
        throw .usage(
          "\(name): a word without = follows \(previous.map { "the value of \($0)" } ?? "the beginning")",
          hint: "a value with blanks in it goes between single quotes: password='two words'")
      }
      rest = rest.dropFirst().drop(while: \.isWhitespace)
      guard known.contains(key) else {
        throw .usage(
          "\(name): libpq has no parameter \(URLParts.shown(key))",
          hint: "the manual's chapter \"Parameter Key Words\" lists them all")
      }
      result.set(key, try value(&rest, key, name))
      previous = key
    }
    try LibPQParameter.check(result)
    return result
  }

  private static func value(_ rest: inout Substring, _ key: String, _ name: String) throws(Failure) -> String
  {
    let isQuoted = rest.first == "'"
    if isQuoted { rest = rest.dropFirst() }
    var value = ""
    while let character = rest.first {
      if isQuoted ? character == "'" : character.isWhitespace { break }
      rest = rest.dropFirst()
      if character == "\\", let escaped = rest.popFirst() {
        value.append(escaped)
      } else if character != "\\" {
        value.append(character)
      }
    }
    if isQuoted, rest.popFirst() == nil {
      throw .usage("\(name): the value of \(key) begins with a quote that is never closed")
    }
    return value
  }
}
