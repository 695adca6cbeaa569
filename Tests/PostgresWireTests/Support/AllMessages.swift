import PostgresWire

/// One of every message that has a tag, in both directions, with every part filled.
let allMessages: [(name: String, bytes: [UInt8])] = [
  ("Query", written { $0.query("SELECT 1") }),
  ("Parse", written { $0.parse(name: "s1", query: "SELECT $1, $2", types: [23, 0]) }),
  ("Bind", written { $0.bind(portal: "p1", statement: "s1", parameters: ["x", nil, ""]) }),
  ("Describe statement", written { $0.describe(statement: "s1") }),
  ("Describe portal", written { $0.describe(portal: "p1") }),
  ("Close statement", written { $0.close(statement: "s1") }),
  ("Close portal", written { $0.close(portal: "p1") }),
  ("Execute", written { $0.execute(portal: "p1", maxRows: 7) }),
  ("FunctionCall", written { $0.functionCall(oid: 42, arguments: ["a", nil]) }),
  ("Sync", written { $0.sync() }),
  ("Flush", written { $0.flush() }),
  ("Terminate", written { $0.terminate() }),
  ("CopyData", written { $0.copyData([1, 2, 0, 3]) }),
  ("CopyDone", written { $0.copyDone() }),
  ("CopyFail", written { $0.copyFail("no more") }),
  ("PasswordMessage", written { $0.password("secret") }),
  ("SASLInitialResponse", written { $0.saslInitialResponse(mechanism: "SCRAM-SHA-256", response: [1, 2]) }),
  ("SASLResponse", written { $0.saslResponse([3, 4]) }),
  ("AuthenticationOk", written { $0.authenticationOk() }),
  ("AuthenticationCleartextPassword", written { $0.authenticationCleartext() }),
  ("AuthenticationMD5Password", written { $0.authenticationMD5(salt: [1, 2, 3, 4]) }),
  (
    "AuthenticationSASL",
    written { $0.authenticationSASL(mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]) }
  ),
  ("AuthenticationSASLContinue", written { $0.authenticationSASLContinue(ascii("r=x")) }),
  ("AuthenticationSASLFinal", written { $0.authenticationSASLFinal(ascii("v=x")) }),
  ("ParameterStatus", written { $0.parameterStatus(name: "TimeZone", value: "UTC") }),
  ("BackendKeyData", written { $0.backendKeyData(processID: 77, key: [9, 8, 7, 6]) }),
  ("ReadyForQuery", written { $0.readyForQuery(.inTransaction) }),
  (
    "NegotiateProtocolVersion",
    written { $0.negotiateProtocolVersion(newestMinor: 2, unrecognized: ["_pq_.x"]) }
  ),
  ("ErrorResponse", written { $0.errorResponse(.sample) }),
  ("NoticeResponse", written { $0.noticeResponse(.sample) }),
  ("NotificationResponse", written { $0.notificationResponse(processID: 5, channel: "jobs", payload: "1") }),
  ("RowDescription", written { $0.rowDescription(["id", "name"]) }),
  ("DataRow", written { $0.dataRow(["1", nil, ""]) }),
  ("CommandComplete", written { $0.commandComplete(tag: "INSERT 0 12") }),
  ("EmptyQueryResponse", written { $0.emptyQueryResponse() }),
  ("FunctionCallResponse", written { $0.functionCallResponse("12") }),
  ("ParseComplete", written { $0.parseComplete() }),
  ("BindComplete", written { $0.bindComplete() }),
  ("CloseComplete", written { $0.closeComplete() }),
  ("NoData", written { $0.noData() }),
  ("PortalSuspended", written { $0.portalSuspended() }),
  ("ParameterDescription", written { $0.parameterDescription(types: [23, 25]) }),
  ("CopyInResponse", written { $0.copyInResponse(columns: 3) }),
  ("CopyOutResponse", written { $0.copyOutResponse(columns: 3) }),
  ("CopyBothResponse", written { $0.copyBothResponse(columns: 0) }),
]

extension ErrorFields {
  static let sample = ErrorFields(
    severity: .error, sqlState: "53300", message: "timed out", detail: "85 busy", hint: "wait longer")
}

/// Lets every reader there is look at `bytes` from `offset` on, as a frame of `length` bytes. What they find
/// is no matter: they must come back, and what they say must lie inside the bytes.
func readEverything(_ bytes: [UInt8], at offset: Int, length: Int) -> Bool {
  let span = bytes.span
  let end = offset + length
  var offsets: [Int] = []
  _ = FrameHeader.read(in: span, at: offset)
  if let view = QueryView.read(in: span, at: offset, length: length) {
    offsets += [view.textStart, view.textEnd]
  }
  if let view = ParseView.read(in: span, at: offset, length: length) {
    offsets += [view.nameStart, view.nameEnd, view.queryStart, view.queryEnd, view.typesStart, view.frameEnd]
    offsets.append(view.typesStart + 4 * view.typeCount)
  }
  if let view = BindView.read(in: span, at: offset, length: length) {
    offsets += [view.portalStart, view.portalEnd, view.statementStart, view.statementEnd, view.restStart]
  }
  if let view = TargetView.read(in: span, at: offset, length: length) {
    offsets += [view.nameStart, view.nameEnd]
  }
  if let view = ExecuteView.read(in: span, at: offset, length: length) {
    offsets += [view.portalStart, view.portalEnd]
  }
  if let view = CommandTagView.read(in: span, at: offset, length: length) {
    offsets += [view.textStart, view.textEnd]
    _ = view.rowCount(in: span)
  }
  if let view = ParameterStatusView.read(in: span, at: offset, length: length) {
    offsets += [view.nameStart, view.nameEnd, view.valueStart, view.valueEnd]
  }
  if let view = DataRowView.read(in: span, at: offset, length: length) { _ = view.texts(in: span) }
  _ = TransactionStatus.read(in: span, at: offset, length: length)
  _ = AuthenticationRequest.read(in: span, at: offset, length: length)
  _ = BackendKeyData.read(in: span, at: offset, length: length)
  _ = ProtocolNegotiation.read(in: span, at: offset, length: length)
  _ = PasswordResponse.password(in: span, at: offset, length: length)
  _ = PasswordResponse.saslInitialResponse(in: span, at: offset, length: length)
  _ = PasswordResponse.saslResponse(in: span, at: offset, length: length)
  _ = ErrorFields.read(in: span, at: offset, length: length)
  _ = ErrorFields.read(in: span, body: min(offset, end)..<max(offset, end))
  return offsets.allSatisfy { (offset...end).contains($0) }
}
