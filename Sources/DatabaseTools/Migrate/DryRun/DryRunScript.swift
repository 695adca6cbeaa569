import Glibc
import Migrations
import SQLText

/// The SQL that a command would send, written down in its place, for `psql -f`.
///
/// It also remembers what the history table would hold by now, so that the rest of the run goes on as if.
package final class DryRunScript {
  /// `dryRunOutput` for stdout.
  package static let standardOutput = "-"

  private let path: String
  /// What is written until the end; only then does it get its name. Nil: there is nothing to rename.
  private let draft: String?
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var writeError: Failure?
  private var isClosed = false

  /// Whether a transaction of ours would be open.
  private(set) var isInTransaction = false
  /// Whether the history table would have been made by now.
  private(set) var hasTable = false
  /// The schemas that would have been made by now.
  private(set) var schemas = Set<String>()
  private var added: [HistoryRow] = []
  private var removed = Set<Int>()

  /// - Parameter path: a file, made anew when all is written, or ``standardOutput``.
  /// - Throws: `Failure` when it cannot be written.
  package init(to path: String) throws(Failure) {
    self.path = path
    if path == Self.standardOutput {
      draft = nil
      descriptor = STDOUT_FILENO
    } else {
      // A pipe or a device is written as it is.
      let isSpecial = access(path, F_OK) == 0 && LocalFile.kind(of: path) != .file
      draft = isSpecial ? nil : path + ".partial"
      descriptor = open(draft ?? path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      if descriptor < 0 { throw Self.failure(path) }
    }
    write(
      """
      -- What dbtool would run. Nothing of it has been run.
      -- psql -X -v ON_ERROR_STOP=1 -f THIS_FILE runs it.
      SET client_encoding = 'UTF8';

      """)
  }

  // MARK: - Writing

  /// A statement of ours.
  func statement(_ sql: String) {
    switch sql {
    case "BEGIN": isInTransaction = true
    case "COMMIT", "ROLLBACK": isInTransaction = false
    default: break  // what leaves the transaction as it is
    }
    write(sql)
    write(";\n")
  }

  /// A whole script, placeholders replaced, COPY data included.
  /// - Parameter around: before each statement (nil), and after it.
  func script(
    _ source: ScriptSource, _ around: ((Bool?) throws(MigrationFailure) -> Void)? = nil
  ) throws(MigrationFailure) {
    comment(source.path)
    try source.forEachPiece { (piece) throws(MigrationFailure) in
      switch piece {
      case .statement(let statement):
        try around?(nil)
        write(statement.text)
        // A comment at the end would swallow the semicolon.
        let lastLine = statement.text.reversed().prefix { $0 != 0x0A }
        let dash = UInt8(ascii: "-")
        let hasComment = zip(lastLine, lastLine.dropFirst()).contains { $0 == dash && $1 == dash }
        write(hasComment ? "\n;\n" : ";\n")
        if !statement.isCopyFromStdin { try around?(true) }
      case .copyData(let bytes): write(bytes)
      case .copyEnd:
        write("\\.\n")
        try around?(true)
      }
    }
  }

  func comment(_ text: String) {
    write("-- " + text.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n")
  }

  private func write(_ text: String) { write(Array(text.utf8)) }

  private func write(_ bytes: [UInt8]) {
    buffer += bytes
    if buffer.count >= LocalFile.chunkSize { flush() }
  }

  private func flush() {
    var rest = buffer[...]
    while !rest.isEmpty, writeError == nil {
      let piece = Array(rest)
      let count = Glibc.write(descriptor, piece, piece.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { writeError = Self.failure(path) } else { rest = rest.dropFirst(count) }
    }
    buffer = []
  }

  /// All is written: the file gets its name.
  /// - Throws: `Failure` when not all of it could be written.
  package func finish() throws(Failure) {
    flush()
    if writeError == nil, let draft, rename(draft, path) != 0 { writeError = Self.failure(path) }
    close()
    if let writeError { throw writeError }
  }

  /// Half a script would be worse than none.
  package func discard() {
    if path == Self.standardOutput {
      comment("Here it ended: an error. What stands above is not all.")
      flush()
    }
    close()
  }

  private func close() {
    guard !isClosed, path != Self.standardOutput else { return }
    isClosed = true
    if let draft { unlink(draft) }
    Glibc.close(descriptor)
  }

  private static func failure(_ path: String) -> Failure {
    Failure("\(path) cannot be written: \(String(cString: strerror(errno)))")
  }

  // MARK: - The history as it would be

  func makeTable() { hasTable = true }

  func makeSchemas(_ names: [String]) { schemas.formUnion(names) }

  func add(_ row: HistoryRow) { added.append(row) }

  func remove(_ rows: [HistoryRow]) { removed.formUnion(rows.map(\.installedRank)) }

  /// - Parameter present: the rows that are there.
  func rows(over present: [HistoryRow]) -> [HistoryRow] {
    // A rank may be taken out and given again.
    let kept = present.filter { !removed.contains($0.installedRank) }
    let own = added.filter { row in !kept.contains { $0.installedRank == row.installedRank } }
    return (kept + own).sorted { $0.installedRank < $1.installedRank }
  }
}
