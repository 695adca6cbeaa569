import LibPQ
import Migrations
import SQLText

/// Runs a script's statements on a connection: one by one, or in a pipeline where it may.
struct ScriptExecutor {
  let connection: Connection
  /// Takes the statements of a transaction that need not wait for each other; nil: each waits.
  var queue: StatementQueue?
  /// What SELECTs return; nil when nobody wants to see it.
  var results: ((Rows) -> Void)?
  /// Whether an error shows the whole statement.
  var showsStatement = false
  /// Keeps account of a script that has no transaction.
  var journal: StatementJournal?
  /// Looks at each statement for what would change the ground under a run.
  var watch = GuardWatch(historyTable: "")
  /// Called around every statement: before it (nil), and after it, with whether it worked.
  var aroundStatement: ((_ worked: Bool?) throws(MigrationFailure) -> Void)?

  /// Asked when a statement outside a transaction has failed for the `attempt`th time: whether to send it again.
  var isTriedAgain:
    ((_ error: ServerError, _ statement: ScriptStatement, _ attempt: Int) throws(ServerError) -> Bool)?

  /// Asked what a statement outside a transaction has left behind that failed; nil: nothing to speak of.
  var damage: ((ScriptStatement) -> String?)?

  /// - Throws: `MigrationFailure` with the place in the file of what failed; its code is the caller's to set.
  mutating func run(_ source: ScriptSource, as title: String) throws(MigrationFailure) {
    var copy: CopyUnderWay?
    var number = 0
    let isInTransaction = connection.transactionStatus != .idle
    var ended = false
    func settle() throws(MigrationFailure) {
      do throws(StatementQueue.Refusal) { try queue?.settle() } catch { try refused(error, source, title) }
    }
    try source.forEachPiece { (piece) throws(MigrationFailure) in
      switch piece {
      case .statement(let statement):
        watch.look(at: statement)
        number += 1
        // Once the script has ended the transaction, each statement is one of its own.
        if let queue, !ended, aroundStatement == nil, PipelineRule.allows(statement) {
          do throws(StatementQueue.Refusal) { try queue.add(statement) } catch {
            try refused(error, source, title)
          }
          return
        }
        try settle()
        // The data of a COPY that has run goes by.
        if let journal, try !journal.begin(statement, number, source) { return }
        try aroundStatement?(nil)
        do throws(ServerError) {
          if statement.isCopyFromStdin {
            copy = CopyUnderWay(statement: statement, stream: try connection.copyIn(statement.text))
            return
          }
          if let rows = try execute(statement).rows { results?(rows) }
        } catch {
          try fail(error, statement, source, title, copyLine: nil, ended: ended)
        }
        if isInTransaction, connection.transactionStatus == .idle { ended = true }
        journal?.end()
        try aroundStatement?(true)
      case .copyData(let bytes):
        guard let stream = copy?.stream, copy?.error == nil else { return count(&copy, bytes) }
        do throws(ServerError) { try stream.write(bytes) } catch { copy?.error = error }
        count(&copy, bytes)
      case .copyEnd(let line):
        guard let whole = copy else { return }
        copy = nil
        do throws(ServerError) {
          if let error = whole.error { throw error }
          _ = try whole.stream.finish()
        } catch {
          let row = Self.copyRow(error).map { line - whole.lines + $0 - 1 }
          try fail(error, whole.statement, source, title, copyLine: row, ended: ended)
        }
        journal?.end()
        try aroundStatement?(true)
      }
    }
    try settle()
    try journal?.close()
  }

  private func refused(
    _ refusal: StatementQueue.Refusal, _ source: ScriptSource, _ title: String
  ) throws(MigrationFailure) -> Never {
    guard let statement = refusal.statement else { throw MigrationFailure(refusal.error) }
    try fail(refusal.error, statement, source, title, copyLine: nil, ended: false)
  }

  /// Sends a statement, again while its failure is one that passes and ``isTriedAgain`` says so.
  private func execute(_ statement: ScriptStatement) throws(ServerError) -> StatementOutcome {
    var attempt = 0
    while true {
      let isAlone = connection.transactionStatus == .idle
      do throws(ServerError) { return try connection.execute(statement.text) } catch {
        attempt += 1
        guard isAlone, let isTriedAgain, try isTriedAgain(error, statement, attempt) else { throw error }
      }
    }
  }

  private struct CopyUnderWay {
    let statement: ScriptStatement
    let stream: CopyIn
    /// Lines of data that have gone by.
    var lines = 0
    /// An early refusal; the data is still read to its end, to know the lines.
    var error: ServerError?
  }

  private func count(_ copy: inout CopyUnderWay?, _ bytes: [UInt8]) {
    copy?.lines += bytes.count { $0 == 0x0A }
  }

  /// The row that the server names in `COPY t, line 3, column x: "…"`, from 1.
  private static func copyRow(_ error: ServerError) -> Int? {
    guard let context = error.context else { return nil }
    for line in context.split(separator: "\n") where line.hasPrefix("COPY ") {
      var words = line.split(whereSeparator: { " ,:".contains($0) })[...]
      while let at = words.firstIndex(of: "line") {
        words = words[(at + 1)...]
        if let number = words.first.flatMap({ Int32($0) }) { return Int(number) }
      }
    }
    return nil
  }

  private func fail(
    _ error: ServerError, _ statement: ScriptStatement, _ source: ScriptSource, _ title: String,
    copyLine: Int?,
    ended: Bool
  ) throws(MigrationFailure) -> Never {
    journal?.fail()
    var failure = Failure(error)
    var offset = statement.start.offset
    if error.position > 0 {
      offset =
        statement.textStart.offset + byteOffset(ofCharacter: error.position, in: statement.text.span)
    } else if let inside = error.lineInBody(of: statement) {
      offset = statement.textStart.offset + inside
    }
    failure.related += error.bodyStatement
    if let damage = damage?(statement) { failure.related.append(damage) }
    if showsStatement { failure.related += ["the statement:", statement.string] }
    let place = copyLine.map { source.place(ofLine: $0) } ?? source.place(ofReplaced: offset)
    failure.place = place?.0 ?? Failure.Place(file: source.path, line: statement.start.line)
    failure.excerpt = place?.1
    var result = MigrationFailure(
      code: .connection,
      message: error.flywayReport(
        title: title, location: source.path, absolutePath: source.absolutePath, line: statement.start.line,
        statement: showsStatement ? statement.string : nil), failure: failure)
    result.sqlState = error.sqlState
    result.line = statement.start.line
    result.path = source.absolutePath
    result.causes = [error.flywayText]
    result.endedTransaction = ended
    // What the callbacks say replaces the error, as in Flyway.
    try aroundStatement?(false)
    throw result
  }
}
