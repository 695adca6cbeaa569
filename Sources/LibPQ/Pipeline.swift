private import CLibPQ
private import Glibc

/// Statements sent ahead of their answers, in libpq's pipeline mode: a long row of them is not bound by round
/// trips. One statement a text, no COPY, nothing that ends or opens a transaction.
///
/// What is under way is bounded in number and bytes, and both directions are served while it waits, so neither
/// side can block the other. After the first failure the server skips the rest. Until ``finish()`` the connection
/// does nothing else; a call on the connection itself finishes the pipeline first.
/// Source: PostgreSQL manual, "Pipeline Mode".
package final class Pipeline {
  /// What became of one statement.
  package enum Answer: Sendable {
    case done(StatementOutcome)
    case failed(ServerError)
    /// A statement before it failed.
    case skipped
  }

  /// Called for each statement, in the order of sending.
  private let answered: (Answer) -> Void
  private let connection: Connection
  private let window: Window
  private var isOpen = true
  /// The lengths of the statements whose answers have not come, from `first` on.
  private var lengths: [Int] = []
  private var first = 0
  private var bytes = 0
  /// Statements that the server has not been asked to answer.
  private var unasked = 0
  private var awaitsSync = false
  private var current: Answer?

  /// The first failure of the pipeline.
  package private(set) var failure: ServerError?

  /// How much may be under way.
  package struct Window: Sendable {
    package var statements = 512
    package var bytes = 512 * 1024

    package init() {}
  }

  /// - Throws: `ServerError` when the connection is lost or busy.
  package init(
    _ connection: Connection, window: Window = Window(), answered: @escaping (Answer) -> Void
  ) throws(ServerError) {
    self.connection = connection
    self.window = window
    self.answered = answered
    guard PQsetnonblocking(connection.handle, 1) == 0, PQenterPipelineMode(connection.handle) == 1 else {
      let refusal = connection.lastError()
      _ = PQsetnonblocking(connection.handle, 0)
      throw refusal
    }
    connection.pipeline = self
  }

  deinit { if isOpen { try? finish() } }

  /// Statements whose answers have not come yet.
  package var count: Int { lengths.count - first }

  /// Sends a statement; waits only when the window is full.
  /// - Throws: `ServerError` when it cannot be sent. What the server says of it comes as an ``Answer``.
  package func send(_ sql: [UInt8]) throws(ServerError) {
    if sql.contains(0) { throw .nulByte }
    try connection.watch?.willSend()
    let text = sql + [0]
    let sent = text.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        PQsendQueryParams(connection.handle, $0.baseAddress, 0, nil, nil, nil, nil, 0)
      }
    }
    guard sent == 1 else { throw lost() }
    lengths.append(sql.count)
    bytes += sql.count
    unasked += 1
    guard count >= window.statements || bytes >= window.bytes else { return }
    try ask()
    // Down to a half, so that waiting is rare and the server has work meanwhile.
    while count > window.statements / 2 || bytes > window.bytes / 2 { try take() }
  }

  /// Waits for every answer and leaves pipeline mode; the connection is as any other then.
  /// - Throws: `ServerError` when the connection is lost. Failures of statements are answers.
  package func finish() throws(ServerError) {
    guard isOpen else { return }
    isOpen = false
    connection.pipeline = nil
    guard PQpipelineSync(connection.handle) == 1 else { throw lost() }
    awaitsSync = true
    while awaitsSync { try take() }
    guard PQexitPipelineMode(connection.handle) == 1 else { throw lost() }
    _ = PQsetnonblocking(connection.handle, 0)
  }

  // MARK: - Helpers

  /// Without this the server keeps answers until its buffer is full.
  private func ask() throws(ServerError) {
    guard unasked > 0 else { return }
    guard PQsendFlushRequest(connection.handle) == 1 else { throw lost() }
    unasked = 0
  }

  /// Takes one result, waiting for it and sending what is left to send meanwhile.
  private func take() throws(ServerError) {
    var clock: WaitClock?
    while PQisBusy(connection.handle) == 1 {
      let left = PQflush(connection.handle)
      if left < 0 { throw lost() }
      let ready = connection.pause(for: Int16(left == 1 ? POLLIN | POLLOUT : POLLIN), &clock)
      if ready & ~Int16(POLLOUT) != 0, PQconsumeInput(connection.handle) == 0 { throw lost() }
    }
    guard let result = PQgetResult(connection.handle) else {
      guard PQstatus(connection.handle) == CONNECTION_OK else { throw lost() }
      settle()
      return
    }
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_PIPELINE_SYNC: awaitsSync = false
    case PGRES_TUPLES_OK:
      current = .done(
        StatementOutcome(commandTag: connection.commandTag(result), rows: Rows(copying: result)))
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
      current = .done(StatementOutcome(commandTag: connection.commandTag(result), rows: nil))
    case PGRES_PIPELINE_ABORTED: current = current ?? .skipped
    default:  // PGRES_FATAL_ERROR, a COPY (which callers keep out), and whatever a later libpq adds
      let isLost = PQstatus(connection.handle) == CONNECTION_BAD
      let error = (ServerError(ifFailed: result) ?? connection.lastError()).marking(lost: isLost)
      failure = failure ?? error
      current = .failed(error)
      if isLost {
        settle()
        throw lost()
      }
    }
  }

  /// The results of the oldest statement are complete.
  private func settle() {
    guard let answer = current, count > 0 else { return }
    current = nil
    bytes -= lengths[first]
    first += 1
    if first > 1024 {
      lengths.removeFirst(first)
      first = 0
    }
    if case .failed(let error) = answer {
      connection.watch?.hasAnswered(error)
    } else {
      connection.watch?.hasAnswered(nil)
    }
    switch answer {
    case .done: connection.watch?.hasAnswered(nil)
    case .failed(let error): connection.watch?.hasAnswered(error)
    case .skipped: break
    }
    answered(answer)
  }

  /// The connection is of no more use: closed to the pipeline, and the error that says so.
  private func lost() -> ServerError {
    isOpen = false
    connection.pipeline = nil
    return failure.map { $0.marking(lost: true) } ?? connection.lastError()
  }
}
