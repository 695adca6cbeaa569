private import CLibPQ
private import Glibc

extension ServerError {
  /// Reads the fields of a failed result; nil when the result is not a failure.
  init?(ifFailed result: OpaquePointer) {
    let status = PQresultStatus(result)
    guard status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE else { return nil }
    func field(_ code: Character) -> String? { ServerError.field(code, of: result) }
    self.init(
      severity: field("V") ?? field("S") ?? "ERROR", sqlState: field("C") ?? "",
      message: field("M")
        ?? PQresultErrorMessage(result).map {
          ConnectionFailure(verbose: String(cString: $0), hiding: []).message
        }
        ?? "")
    detail = field("D")
    hint = field("H")
    position = field("P").flatMap { Int($0) } ?? 0
    internalPosition = field("p").flatMap { Int($0) } ?? 0
    internalQuery = field("q")
    context = field("W")
    schema = field("s")
    table = field("t")
    column = field("c")
    constraint = field("n")
  }

  /// The same error; one without a SQLSTATE becomes `08006` when the connection was lost with it.
  func marking(lost: Bool) -> ServerError {
    guard lost, sqlState.isEmpty else { return self }
    var marked = self
    marked.severity = "FATAL"
    marked.sqlState = "08006"
    return marked
  }

  /// The wire has no room for a zero byte inside a text; libpq would silently send half of it.
  static var nulByte: ServerError {
    ServerError(sqlState: "22021", message: "the text holds a zero byte, which PostgreSQL cannot take")
  }

  static func field(_ code: Character, of result: OpaquePointer) -> String? {
    guard let ascii = code.asciiValue else { return nil }
    return PQresultErrorField(result, Int32(ascii)).map { String(cString: $0) }
  }
}

extension Notice {
  init(reading result: OpaquePointer) {
    func field(_ code: Character) -> String? { ServerError.field(code, of: result) }
    self.init(
      severity: field("V") ?? field("S") ?? "NOTICE", sqlState: field("C") ?? "00000",
      message: field("M") ?? "", detail: field("D"), hint: field("H"), context: field("W"))
  }
}
