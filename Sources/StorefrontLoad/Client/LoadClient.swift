package import PostgresWire

/// How a client talks.
package enum LoadProtocol: Sendable, Equatable {
  /// As psycopg2: literals in the text, reads in autocommit, a checkout between BEGIN and COMMIT.
  case simple
  /// As pgx: named prepared statements, each prepared when it is needed first.
  case extended
}

/// What a message from the server led to.
package enum LoadClientEvent: Equatable, Sendable {
  /// More is to come, or more is to be sent.
  case none
  /// Ready for the first request.
  case loggedIn
  /// Ready for the next request.
  case finished(RequestKind, RequestOutcome)
  /// The connection is of no more use.
  case lost(LoadError)
}

/// What the clients of one run have in common: buffers and caches.
package struct LoadClientKit: Sendable {
  package var encoder: RequestEncoder
  package var keys: ScramKeyCache

  package init(encoder: RequestEncoder, keys: ScramKeyCache) {
    self.encoder = encoder
    self.keys = keys
  }
}

/// One visitor's connection as a machine: takes the server's frames, writes what is to be sent. It knows no
/// socket and no clock.
package struct LoadClient: Sendable {
  private enum State {
    /// → `idle` at the first ReadyForQuery.
    case loggingIn(ClientLogin)
    /// Waiting for ``start(_:kit:out:)``. → `preparing`, `beginning`, `running`
    case idle
    /// Extended: Parse was sent. → `running`, or `idle` when it failed.
    case preparing
    /// Simple: BEGIN was sent. → `running`, or `idle` when it failed.
    case beginning
    /// The request itself was sent. → `ending` inside a transaction, else `idle`.
    case running
    /// COMMIT or ROLLBACK was sent; the outcome is known if that succeeds. → `idle`
    case ending(RequestOutcome)
    /// Takes nothing any more.
    case lost
  }

  private var state: State
  private let style: LoadProtocol
  private var request: StorefrontRequest?
  /// The kinds whose statement is prepared, one bit each.
  private var prepared: UInt8 = 0
  private var failure: LoadError?
  private var rows = 0
  private var answersAnother = false

  /// - Parameter nonce: fresh randomness in printable ASCII without commas, for the login.
  package init(style: LoadProtocol, nonce: String) {
    self.style = style
    state = .loggingIn(ClientLogin(nonce: nonce))
  }

  /// The request whose answer has not come in full; nil between requests.
  package var pending: StorefrontRequest? { request }

  /// Whether ``start(_:kit:out:)`` may be called.
  package var isIdle: Bool {
    if case .idle = state { true } else { false }
  }

  /// The startup packet.
  package static func startup(user: String, database: String, out: inout MessageWriter) {
    out.startup(parameters: [
      StartupParameter("user", user), StartupParameter("database", database),
      StartupParameter("application_name", "storefront"), StartupParameter("client_encoding", "UTF8"),
    ])
  }

  /// Sends a request; the client is idle.
  package mutating func start(
    _ request: StorefrontRequest, kit: inout LoadClientKit, out: inout MessageWriter
  ) {
    precondition(isIdle, "a request was started on a client that is busy")
    self.request = request
    forgetAnswer()
    switch style {
    case .extended:
      if prepared & 1 << request.kind.rawValue == 0 {
        state = .preparing
        kit.encoder.prepare(request.kind, out: &out)
      } else {
        run(request, &kit, &out)
      }
    case .simple:
      if request.kind == .checkout {
        state = .beginning
        kit.encoder.begin(out: &out)
      } else {
        run(request, &kit, &out)
      }
    }
  }

  private mutating func run(
    _ request: StorefrontRequest, _ kit: inout LoadClientKit, _ out: inout MessageWriter
  ) {
    state = .running
    switch style {
    case .extended: kit.encoder.execute(request, out: &out)
    case .simple: kit.encoder.query(request, out: &out)
    }
  }

  private mutating func forgetAnswer() {
    failure = nil
    rows = 0
    answersAnother = false
  }

  // MARK: - What the server says

  /// Takes the complete frame at `offset`; what is to be sent is written to `out`.
  package mutating func received(
    _ frame: FrameHeader, in bytes: Span<UInt8>, at offset: Int, kit: inout LoadClientKit,
    out: inout MessageWriter
  ) -> LoadClientEvent {
    switch frame.tag {
    case BackendTag.dataRow:
      noteRow(in: bytes, at: offset, length: frame.length)
      return .none
    case BackendTag.readyForQuery:
      guard let status = TransactionStatus.read(in: bytes, at: offset, length: frame.length) else {
        return lose(.protocolViolation("a malformed ReadyForQuery"))
      }
      return ready(status, &kit, &out)
    case BackendTag.errorResponse:
      let fields = ErrorFields.read(in: bytes, at: offset, length: frame.length)
      // Later errors follow from the first.
      if failure == nil { failure = fields.map { LoadError($0) } ?? .protocolViolation("a malformed error") }
      return .none
    case BackendTag.authentication:
      return authentication(
        AuthenticationRequest.read(in: bytes, at: offset, length: frame.length), &kit, &out)
    default:
      return .none  // an open set: settings, notices, and what comes before rows or ReadyForQuery
    }
  }

  /// The connection ended.
  /// - Returns: why: the server's own words if it said anything.
  package mutating func connectionLost(_ how: String) -> LoadError {
    state = .lost
    return failure ?? .lost(how)
  }

  private mutating func lose(_ error: LoadError) -> LoadClientEvent {
    state = .lost
    return .lost(error)
  }

  private mutating func authentication(
    _ asked: AuthenticationRequest?, _ kit: inout LoadClientKit, _ out: inout MessageWriter
  ) -> LoadClientEvent {
    guard let asked, case .loggingIn(var login) = state else {
      return lose(.protocolViolation("an authentication message out of turn"))
    }
    do throws(LoadError) {
      try login.received(asked, cache: &kit.keys, out: &out)
      state = .loggingIn(login)
      return .none
    } catch {
      return lose(error)
    }
  }

  private mutating func noteRow(in bytes: Span<UInt8>, at offset: Int, length: Int) {
    rows += 1
    guard let request, request.kind == .product || request.kind == .inventory else { return }
    let row = DataRowView.read(in: bytes, at: offset, length: length)
    let id = row.flatMap { $0.column(in: bytes, at: $0.columnsStart) }.flatMap { decimal($0, in: bytes) }
    if id != request.products[0] { answersAnother = true }
  }

  private mutating func ready(
    _ status: TransactionStatus, _ kit: inout LoadClientKit, _ out: inout MessageWriter
  ) -> LoadClientEvent {
    switch state {
    case .loggingIn(let login):
      guard login.isAuthenticated else {
        return lose(.protocolViolation("ReadyForQuery before AuthenticationOk"))
      }
      state = .idle
      return .loggedIn
    case .preparing, .beginning:
      guard let request else { return lose(.protocolViolation("ReadyForQuery without a request")) }
      if let failure { return finish(request.kind, .failed(failure)) }
      if case .preparing = state { prepared |= 1 << request.kind.rawValue }
      forgetAnswer()
      run(request, &kit, &out)
      return .none
    case .running:
      guard let request else { return lose(.protocolViolation("ReadyForQuery without a request")) }
      let outcome = self.outcome
      guard status != .idle else { return finish(request.kind, outcome) }
      forgetAnswer()
      state = .ending(outcome)
      if outcome == .served { kit.encoder.commit(out: &out) } else { kit.encoder.rollBack(out: &out) }
      return .none
    case .ending(let outcome):
      guard let request else { return lose(.protocolViolation("ReadyForQuery without a request")) }
      return finish(request.kind, failure.map { .failed($0) } ?? outcome)
    case .idle, .lost:
      return lose(.protocolViolation("ReadyForQuery out of turn"))
    }
  }

  private mutating func finish(_ kind: RequestKind, _ outcome: RequestOutcome) -> LoadClientEvent {
    state = .idle
    request = nil
    return .finished(kind, outcome)
  }

  /// What the answer to the request itself means.
  private var outcome: RequestOutcome {
    if let failure { return failure.isRefusal ? .refused(failure) : .failed(failure) }
    if answersAnother { return .failed(.wrongAnswer("the answer is about another product")) }
    let isEnough = request?.kind == .productList ? (1...100).contains(rows) : rows == 1
    return isEnough ? .served : .failed(.wrongAnswer("the answer has \(rows) rows"))
  }
}

/// A column's decimal number; nil when it is none, or longer than 18 digits.
private func decimal(_ column: ColumnView, in bytes: Span<UInt8>) -> Int? {
  guard !column.isNull, (1...18).contains(column.valueEnd - column.valueStart) else { return nil }
  var value = 0
  for position in column.valueStart..<column.valueEnd {
    let byte = bytes[position]
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    value = value * 10 + Int(byte - UInt8(ascii: "0"))
  }
  return value
}
