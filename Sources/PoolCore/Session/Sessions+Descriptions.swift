package import PostgresWire

// A client that has asked what a prepared statement returns reads its rows by that answer. Where the pool parses the
// statement anew, on another backend or after DDL, the rows may be others; then the client must hear what it would hear
// directly, "cached plan must not change result type", and not get rows that it reads wrongly. So a backend says what it
// returns before the client's Bind is let through. Source: PostgreSQL 15, `RevalidateCachedQuery`.

extension Sessions {
  /// A message of the answer to Describe: of a named statement, ParameterDescription first; of a portal of one not;
  /// then RowDescription or NoData.
  package mutating func described(
    _ statement: StatementID, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int, on backend: BackendID,
    toldClient: Bool
  ) {
    let index = Int(backend.index)
    var print = Fingerprint()
    if bytes[offset] == BackendTag.parameterDescription {
      for position in (offset + FrameHeader.size)..<(offset + length) { print.add(bytes[position]) }
      backends[index].describing = print.value
      return
    }
    if bytes[offset] == BackendTag.rowDescription { Self.addColumns(bytes, offset, length, to: &print) }
    let description = Description(parameters: backends[index].describing, columns: print.value)
    backends[index].describing = nil
    backends[index].statements.described(statement, as: description)
    let owner = backends[index].owner
    guard toldClient, owner != .none, !clients[Int(owner.index)].toTell.isEmpty else { return }
    names.tell(owner, clients[Int(owner.index)].toTell.removeFirst(), statement, description)
  }

  /// The client will be told what the statement of this name returns.
  mutating func willTell(_ client: ClientID, _ name: Span<UInt8>) {
    clients[Int(client.index)].toTell.append(names.number(of: name))
  }

  /// Name, type and type modifier of each column; not which table it is of, which may have been made anew.
  private static func addColumns(
    _ bytes: Span<UInt8>, _ offset: Int, _ length: Int, to print: inout Fingerprint
  ) {
    let end = offset + length
    var position = offset + FrameHeader.size + 2
    while position < end {
      while position < end, bytes[position] != 0 {
        print.add(bytes[position])
        position += 1
      }
      // Behind the name: table and column number, 6 bytes; type, 4; its size, 2; its modifier, 4; format, 2.
      let fields = position + 1
      guard fields + 18 <= end else { return }
      print.add(0)
      for field in 6..<10 { print.add(bytes[fields + field]) }
      for field in 12..<16 { print.add(bytes[fields + field]) }
      position = fields + 18
    }
  }

  /// Whether the client may bind the statement on the backend.
  enum Agreement {
    case agreed, differs
    /// The backend must be asked first.
    case unknown
  }

  func agreement(
    _ client: ClientID, _ statement: StatementID, named name: Span<UInt8>, on backend: BackendID
  ) -> Agreement {
    let index = Int(backend.index)
    guard let told = names.told(client, named: name), backends[index].ledger.status != .failed else {
      return .agreed
    }
    guard let known = backends[index].statements.description(of: statement) else { return .unknown }
    if let parameters = told.parameters {
      guard let knownParameters = known.parameters else { return .unknown }
      if knownParameters != parameters { return .differs }
    }
    return known.columns == told.columns ? .agreed : .differs
  }

  /// Asks the backend what the statement returns. The answer is not for the client.
  mutating func askForDescription(of statement: StatementID, on backend: BackendID) {
    statements.appendDescribe(statement, to: &rewritten)
    rewritten.append(FrontendTag.flush)
    appendInt32(4, to: &rewritten)
    backends[Int(backend.index)].ledger.sent(Expectation(.hiddenDescribe, statement.index))
  }
}

/// What a statement takes and returns, as fingerprints.
struct Description: Equatable, Sendable {
  /// `nil` where only a portal was described.
  var parameters: UInt64?
  var columns: UInt64
}

/// FNV-1a: what it tells apart are two answers of one server, not what somebody wants to look alike.
struct Fingerprint: Sendable {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
}

extension ErrorFields {
  /// The server's own words for a plan that it may not change, where it did not come to say them.
  package var isChangedPlan: Bool { message == Sessions.changedPlan && routine == "exec_stmt_raise" }

  /// As the server says it: drivers look at the routine to know that preparing again helps.
  package mutating func becomeChangedPlan() {
    fields.removeAll { "WFLR".utf8.contains($0.code) }
    fields.append(Field(code: UInt8(ascii: "F"), text: "plancache.c"))
    fields.append(Field(code: UInt8(ascii: "R"), text: "RevalidateCachedQuery"))
  }
}
