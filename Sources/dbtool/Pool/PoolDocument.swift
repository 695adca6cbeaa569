import DatabaseTools
import Glibc
import PoolServer
import TOMLKit

/// A configuration file that has been read: what it says and where, and failures that point into it.
struct PoolDocument: Sendable {
  /// As the user named it.
  let path: String
  /// The `[pool]` table; empty when there is none.
  let pool: [String: ConfigValue]
  private let places: KeyPlaces
  private let lines: [Substring]

  /// - Throws: `Failure` when the text is no TOML, or holds anything else than the table `pool`.
  init(path: String, text: String) throws(Failure) {
    self.path = path
    lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let root: ConfigValue
    do {
      root = ConfigValue(try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      throw Self.syntaxError(error, path: path, lines: lines)
    } catch {
      throw Failure("\(path) is no TOML: \(error)")
    }
    places = KeyPlaces(text)
    guard case .table(let tables) = root else {
      pool = [:]
      return
    }
    guard case .table(let pool) = tables["pool"] ?? .table([:]) else {
      self.pool = [:]
      throw failure(
        "pool must be a table", at: "pool", hint: "write [pool], and below it listen = […] and the like")
    }
    self.pool = pool
    for name in first(of: tables.keys.filter { $0 != "pool" }, in: "") {
      throw unknownKey(name, at: name, in: nil, known: ["pool"])
    }
  }

  /// Reads a file.
  /// - Returns: `nil` when there is none.
  /// - Throws: `Failure` when it cannot be read, or is larger than 1 MB.
  static func reading(_ path: String) throws(Failure) -> PoolDocument? {
    guard access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    let text: String
    do throws(AccessFileError) {
      text = try TextFile.text(of: path, mostBytes: 1 << 20)
    } catch {
      throw Failure(error.message)
    }
    return try PoolDocument(path: path, text: text)
  }

  /// The folder that relative paths in the file start from, with a slash at its end; empty for the working folder.
  var folder: String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

  /// Those names sorted by where they stand in `table`, so that the first mistake is told first.
  func first(of names: [String], in table: String) -> [String] {
    let prefix = table.isEmpty ? "" : table + "."
    func rank(_ name: String) -> Int { places.order.firstIndex { $0.hasPrefix(prefix + name) } ?? .max }
    return names.sorted { (rank($0), $0) < (rank($1), $1) }
  }

  // MARK: Failures

  /// A failure at a key.
  /// - Parameter showsValue: whether the line may be shown whole; never for what may be a secret.
  func failure(_ what: String, at key: String, hint: String? = nil, showsValue: Bool = false) -> Failure {
    guard let place = places.place(of: key) else {
      return Failure(what, place: .init(file: path), hint: hint)
    }
    let column = showsValue ? place.valueColumn : place.column
    let line = place.line <= lines.count ? lines[place.line - 1] : ""
    return Failure(
      what, place: .init(file: path, line: place.line, column: column),
      excerpt: .init(text: showsValue ? String(line) : Self.withoutValues(line), caretColumn: column),
      hint: hint)
  }

  /// A key that nobody knows, with the name it may have been meant to be.
  /// - Parameter table: as written in the file: `[pool]`; `nil` for the top of the file.
  func unknownKey(
    _ name: String, at key: String, in table: String?, known: [String], elsewhere: String? = nil
  ) -> Failure {
    let hint: String
    if let meant = Suggestion.nearest(to: name, among: known) {
      hint = "did you mean \(meant)?"
    } else if let elsewhere {
      hint = elsewhere
    } else if table == nil {
      hint =
        "the file has the tables [pool], [pool.tls], [pool.fleet], [[pool.targets]], [[pool.users]], [[pool.databases]], [[pool.lanes]], [[pool.peers]]"
    } else {
      hint = "known here: " + known.joined(separator: ", ")
    }
    return failure("unknown key \(name.quoted)" + (table.map { " in \($0)" } ?? ""), at: key, hint: hint)
  }

  /// What stands behind `=` may be a password, also at a misspelt key.
  private static func withoutValues(_ line: Substring) -> String {
    guard let equals = line.firstIndex(of: "=") else { return String(line) }
    return line[...equals] + " …"
  }

  private static func syntaxError(_ error: TOMLParseError, path: String, lines: [Substring]) -> Failure {
    let begin = error.source.begin
    var excerpt: Failure.Excerpt?
    if begin.line >= 1, begin.line <= lines.count {
      let shown = withoutValues(lines[begin.line - 1])
      excerpt = .init(text: shown, caretColumn: begin.column <= shown.count ? begin.column : nil)
    }
    return Failure(
      "not valid TOML: \(error.description)",
      place: .init(file: path, line: begin.line, column: begin.column),
      excerpt: excerpt, hint: "texts stand in double quotes; lists in [ ]; # begins a comment")
  }
}
