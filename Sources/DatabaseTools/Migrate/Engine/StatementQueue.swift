import LibPQ
import SQLText

/// Statements on their way in a pipeline, and what to say when one of them fails.
///
/// The first failure is kept and thrown by the next call; what was sent behind it is skipped by the server.
final class StatementQueue {
  /// A statement that failed; nil: one of ours.
  struct Refusal: Error {
    let error: ServerError
    let statement: ScriptStatement?
  }

  private let connection: Connection
  private let results: ((Rows) -> Void)?
  private var pipeline: Pipeline?
  /// What is answered next stands at `first`; nil for a statement of ours.
  private var waiting: [ScriptStatement?] = []
  private var first = 0
  private var refusal: Refusal?

  init(_ connection: Connection, results: ((Rows) -> Void)?) {
    self.connection = connection
    self.results = results
  }

  /// Sends a statement of ours; what it returns is not shown.
  func add(_ sql: String) throws(Refusal) { try add(Array(sql.utf8), nil) }

  /// Sends a script's statement.
  func add(_ statement: ScriptStatement) throws(Refusal) { try add(statement.text, statement) }

  /// Waits for all answers; the connection is free then.
  func settle() throws(Refusal) {
    if let pipeline {
      self.pipeline = nil
      do throws(ServerError) { try pipeline.finish() } catch {
        refusal = refusal ?? Refusal(error: error, statement: oldest)
      }
    }
    waiting.removeAll(keepingCapacity: true)
    first = 0
    defer { refusal = nil }
    if let refusal { throw refusal }
  }

  private func add(_ sql: [UInt8], _ statement: ScriptStatement?) throws(Refusal) {
    if refusal != nil { return try settle() }
    do throws(ServerError) {
      if pipeline == nil { pipeline = try Pipeline(connection) { [weak self] in self?.answered($0) } }
      waiting.append(statement)
      try pipeline?.send(sql)
    } catch {
      refusal = refusal ?? Refusal(error: error, statement: statement)
    }
    if refusal != nil { try settle() }
  }

  private var oldest: ScriptStatement? { first < waiting.count ? waiting[first] : nil }

  private func answered(_ answer: Pipeline.Answer) {
    let statement = oldest
    first += 1
    if first > 256 {
      waiting.removeFirst(first)
      first = 0
    }
    switch answer {
    case .done(let outcome):
      if statement != nil, let rows = outcome.rows { results?(rows) }
    case .failed(let error): refusal = refusal ?? Refusal(error: error, statement: statement)
    case .skipped: break
    }
  }
}
