private import CLibPQ
private import Glibc

/// One connection to a PostgreSQL server, over libpq. Belongs to one thread.
///
/// Every call blocks until the server has answered. ``watch`` is told meanwhile, and ``canceller()`` gives another
/// thread the means to stop it.
/// Source: PostgreSQL manual, chapter "libpq".
package final class Connection {
  /// Called with each notice, on the connection's thread, while a statement runs.
  package var notices: ((Notice) -> Void)?
  /// Told while the server lets us wait, and before anything is sent.
  package var watch: (any ServerWatch)?

  /// Owned: made in `init`, freed by `close` or `deinit`, nil only after `close`.
  private(set) var handle: OpaquePointer?

  /// Statements under way; whatever else is asked of the connection waits for their end first.
  weak var pipeline: Pipeline?

  /// Connects with libpq's own parameters; what is not named comes from `PG*`, the service file and
  /// `~/.pgpass`, as libpq does it. Nothing is added.
  /// - Throws: `ConnectionFailure`, its text free of the passwords that were given.
  package init(_ parameters: [(String, String)]) throws(ConnectionFailure) {
    handle = try ConnectionStart.connect(parameters)
    // The pointer handed to libpq lives as long as the handle: `close` and `deinit` end both.
    PQsetNoticeReceiver(
      handle,
      { context, result in
        guard let context, let result else { return }
        let connection = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
        connection.notices?(Notice(reading: result))
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { close() }

  /// Ends the session; a second call does nothing.
  package func close() {
    PQfinish(handle)
    handle = nil
  }

  // MARK: - Statements

  /// Runs one or more statements by the simple protocol and throws their results away.
  ///
  /// Several statements in one text are one implicit transaction, as the server rules.
  /// - Throws: `ServerError` of the first statement that fails.
  package func execute(_ sql: String) throws(ServerError) {
    _ = try execute(Array(sql.utf8))
  }

  /// Runs one statement, given as raw bytes in the client encoding, by the simple protocol.
  ///
  /// Data of a `COPY … TO STDOUT` is read and thrown away; a `COPY … FROM STDIN` is an error here, see
  /// ``copyIn(_:)``. With several statements in the text the outcome is the last one's.
  package func execute(_ sql: [UInt8]) throws(ServerError) -> StatementOutcome {
    try send(sql)
    return try outcome()
  }

  /// Runs one statement by the extended protocol; values and results are text, nil is NULL.
  package func query(_ sql: String, _ values: [String?] = []) throws(ServerError) -> Rows {
    guard values.count <= Int(UInt16.max) else {
      throw ServerError(sqlState: "54000", message: "more than 65535 values for one statement")
    }
    if sql.utf8.contains(0) || values.contains(where: { $0?.utf8.contains(0) ?? false }) { throw .nulByte }
    try endPipeline()
    try watch?.willSend()
    let sent = CStrings.with(values) { pointers in
      PQsendQueryParams(handle, sql, Int32(values.count), nil, pointers, nil, nil, 0)
    }
    guard sent == 1 else { throw lastError() }
    return try outcome().rows ?? .none
  }

  /// Starts a `COPY … FROM STDIN`; the rows follow through what it returns.
  /// - Throws: `ServerError`; also when the statement turns out to be something else.
  package func copyIn(_ sql: [UInt8]) throws(ServerError) -> CopyIn {
    try send(sql)
    awaitResult()
    guard let result = PQgetResult(handle) else { throw lastError() }
    defer { PQclear(result) }
    if PQresultStatus(result) == PGRES_COPY_IN {
      watch?.hasAnswered(nil)
      return CopyIn(self)
    }
    let failure = ServerError(ifFailed: result)
    if let failure { watch?.hasAnswered(failure) }
    _ = try outcome()
    throw failure ?? ServerError(sqlState: "42601", message: "the statement is not a COPY FROM STDIN")
  }

  // MARK: - Facts

  /// The server's version as libpq counts it, 150018 for 15.18; 0 when the connection is lost.
  package var serverVersion: Int { Int(PQserverVersion(handle)) }

  /// The process that serves this session, as `pg_stat_activity.pid`.
  package var backendPID: Int32 { PQbackendPID(handle) }

  /// Whether the session is, as far as is known, still there.
  package var isUsable: Bool { handle != nil && PQstatus(handle) == CONNECTION_OK }

  /// Where the session stands, as of the last answer.
  package var transactionStatus: TransactionStatus {
    switch PQtransactionStatus(handle) {
    case PQTRANS_IDLE: .idle
    case PQTRANS_ACTIVE: .active
    case PQTRANS_INTRANS: .inTransaction
    case PQTRANS_INERROR: .failed
    default: .unknown  // PQTRANS_UNKNOWN, and whatever a later libpq adds
    }
  }

  /// The host, port, database and user that this session really has, whichever source they came from.
  package var place: (host: String, port: String, database: String, user: String) {
    func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
    return (text(PQhost(handle)), text(PQport(handle)), text(PQdb(handle)), text(PQuser(handle)))
  }

  /// A setting the server reports by itself: `TimeZone`, `standard_conforming_strings`, …
  package func parameterStatus(_ name: String) -> String? {
    PQparameterStatus(handle, name).map { String(cString: $0) }
  }

  /// `text` as a literal with its quotes, for the statements that take no values.
  package func literal(_ text: String) throws(ServerError) -> String {
    try escaped(text, PQescapeLiteral)
  }

  /// `name` as a quoted identifier.
  package func identifier(_ name: String) throws(ServerError) -> String {
    try escaped(name, PQescapeIdentifier)
  }

  // MARK: - Cancelling

  /// Asks the server to stop what this session is doing. Nothing happens when it is idle.
  package func cancel() { canceller()?.cancel() }

  /// A handle for another thread to cancel with; nil when the connection is lost.
  package func canceller() -> Canceller? { Canceller(handle) }

  // MARK: - Helpers

  /// - Throws: the pipeline's first failure.
  private func endPipeline() throws(ServerError) {
    guard let pipeline else { return }
    try pipeline.finish()
    if let failure = pipeline.failure { throw failure }
  }

  private func send(_ sql: [UInt8]) throws(ServerError) {
    if sql.contains(0) { throw .nulByte }
    try endPipeline()
    try watch?.willSend()
    let text = sql + [0]
    let sent = text.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { PQsendQuery(handle, $0.baseAddress) }
    }
    guard sent == 1 else { throw lastError() }
  }

  /// Reads every result of what was sent, so that the session is ready for the next, then answers.
  func outcome() throws(ServerError) -> StatementOutcome {
    var failure: ServerError?
    var last = StatementOutcome(commandTag: "", rows: nil)
    while true {
      awaitResult()
      guard let result = PQgetResult(handle) else { break }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK:
        last = StatementOutcome(commandTag: commandTag(result), rows: Rows(copying: result))
      case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
        last = StatementOutcome(commandTag: commandTag(result), rows: nil)
      case PGRES_COPY_IN:
        // libpq would wait here for ever; end the COPY, and the server answers with its error.
        if PQputCopyEnd(handle, "no data was given") != 1 { failure = failure ?? lastError() }
      case PGRES_COPY_OUT:
        discardCopyOut()
      default:  // PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, and whatever a later libpq adds
        failure = failure ?? ServerError(ifFailed: result) ?? lastError()
      }
      if PQstatus(handle) == CONNECTION_BAD { break }
    }
    if PQstatus(handle) == CONNECTION_BAD { failure = failure ?? lastError() }
    if let refusal = failure { failure = refusal.marking(lost: PQstatus(handle) == CONNECTION_BAD) }
    watch?.hasAnswered(failure)
    if let failure { throw failure }
    return last
  }

  func put(_ bytes: UnsafeBufferPointer<CChar>) throws(ServerError) {
    if let watch {
      do throws(ServerError) { try watch.willSend() } catch {
        if endCopy(reason: error.message) { _ = try? outcome() }
        throw error
      }
    }
    // Blocking, libpq would wait for the server where nobody is told.
    let isWatched = watch != nil && PQsetnonblocking(handle, 1) == 0
    defer { if isWatched { PQsetnonblocking(handle, 0) } }
    var rest = bytes[...]
    while !rest.isEmpty {
      // libpq counts in 32 bits.
      let part = UnsafeBufferPointer(rebasing: rest.prefix(1 << 30))
      if PQputCopyData(handle, part.baseAddress, Int32(part.count)) != 1 || isWatched && !flush() {
        let refusal = lastError()
        _ = try outcome()
        throw refusal
      }
      rest = rest.dropFirst(part.count)
    }
  }

  func endCopy(reason: String?) -> Bool {
    PQputCopyEnd(handle, reason) == 1
  }

  func lastError() -> ServerError {
    let lost = handle == nil || PQstatus(handle) == CONNECTION_BAD
    let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    let message = ConnectionFailure(verbose: text, hiding: []).message
    return ServerError(
      severity: lost ? "FATAL" : "ERROR", sqlState: lost ? "08006" : "",
      message: message.isEmpty ? "the connection to the server was lost" : message)
  }

  private func discardCopyOut() {
    var buffer: UnsafeMutablePointer<CChar>?
    while true {
      let length = PQgetCopyData(handle, &buffer, watch == nil ? 0 : 1)
      if length < 0 { return }
      if length > 0 { PQfreemem(buffer) } else if !awaitInput() { return }
    }
  }

  func commandTag(_ result: OpaquePointer) -> String {
    PQcmdStatus(result).map { String(cString: $0) } ?? ""
  }

  private func escaped(
    _ text: String,
    _ escape: (OpaquePointer?, UnsafePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?
  ) throws(ServerError) -> String {
    guard let quoted = escape(handle, text, text.utf8.count) else { throw lastError() }
    defer { PQfreemem(quoted) }
    return String(cString: quoted)
  }
}

/// Whether a session is inside a transaction. Source: `PQtransactionStatus`.
package enum TransactionStatus: Sendable, Equatable {
  case idle, active, inTransaction, failed, unknown
}
