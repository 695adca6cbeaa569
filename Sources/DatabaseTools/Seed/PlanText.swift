/// A plan file's lines, to point at: the TOML library tells what a key holds, not where it stands.
package struct PlanText: Sendable, Equatable {
  package let path: String
  private let lines: [String]

  package init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.last == "\r" ? line.dropLast() : line)
    }
  }

  /// The place of a table of the plan, or of one of its columns or settings, as well as it can be told.
  package func place(table: String?, column: String?) -> (Failure.Place, Failure.Excerpt?) {
    guard let table, let start = heading(of: table) else { return (Failure.Place(file: path), nil) }
    var line = start
    var caret = 1
    if let column, let found = key(column, after: start) { (line, caret) = found }
    return (Failure.Place(file: path, line: line, column: caret), excerpt(line: line, column: caret))
  }

  /// - Parameter line: from 1.
  func excerpt(line: Int, column: Int) -> Failure.Excerpt? {
    guard lines.indices.contains(line - 1) else { return nil }
    return Failure.Excerpt(text: lines[line - 1], caretColumn: column)
  }

  /// The line, from 1, that names the table.
  private func heading(of table: String) -> Int? {
    var isInTable = false
    for (index, line) in lines.enumerated() {
      let bare = line.filter { !$0.isWhitespace }
      if bare.hasPrefix("[") { isInTable = bare.hasPrefix("[[table]]") }
      if isInTable, bare.hasPrefix("name=\"\(table)\"") || bare.hasPrefix("name='\(table)'") {
        return index + 1
      }
    }
    return nil
  }

  /// Where `key = …` stands, between line `start` and the next table.
  private func key(_ key: String, after start: Int) -> (line: Int, column: Int)? {
    for index in start..<lines.count {
      let line = lines[index]
      if line.filter({ !$0.isWhitespace }).hasPrefix("[[") { return nil }
      let name = line.prefix { $0 != "=" }
      guard name.count < line.count else { continue }
      let bare = name.filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
      if bare == key { return (index + 1, name.prefix { $0.isWhitespace }.count + 1) }
    }
    return nil
  }
}
