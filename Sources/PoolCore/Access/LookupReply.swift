import PostgresWire

/// The server's answer to one question of `auth_query`, message by message, up to its ReadyForQuery.
///
/// Source: PgBouncer's manual, `auth_query`: the first column is the user, the second the password as `pg_shadow` has
/// it. Here a third may say until when it counts (`valuntil`); one that is no moment of time says nothing.
package struct LookupReply: Sendable {
  package enum Step: Equatable, Sendable {
    case more
    case done(LookupAnswer)
    /// The connection is not understood any more, or ends.
    case broken(String)
  }

  private var rows: [[[UInt8]?]] = []
  private var rowCount = 0
  private var error: String?

  package init() {}

  /// Takes the message of `length` bytes at `offset`, which is whole.
  package mutating func received(_ tag: UInt8, in bytes: Span<UInt8>, at offset: Int, length: Int) -> Step {
    switch tag {
    case BackendTag.dataRow:
      guard let row = DataRowView.read(in: bytes, at: offset, length: length),
        let columns = Self.columns(row, bytes)
      else { return .broken("a malformed row") }
      rowCount += 1
      if rows.isEmpty { rows.append(columns) }
    case BackendTag.errorResponse:
      let fields = ErrorFields.read(in: bytes, at: offset, length: length)
      if fields?.isFatal == true { return .broken(fields?.message ?? "an error") }
      error = fields.map { "\($0.message) (SQLSTATE \($0.sqlState))" } ?? "an error"
    case BackendTag.readyForQuery:
      let answer = self.answer
      self = LookupReply()
      return .done(answer)
    case BackendTag.parseComplete, BackendTag.bindComplete, BackendTag.commandComplete,
      BackendTag.noticeResponse, BackendTag.parameterStatus, BackendTag.notificationResponse,
      BackendTag.emptyQueryResponse:
      break
    // Whatever else a server may say, a SELECT does not cause it.
    default: return .broken("an unexpected message")
    }
    return .more
  }

  private var answer: LookupAnswer {
    if let error { return .failed(error) }
    guard rowCount <= 1 else { return .failed("auth_query gave \(rowCount) rows") }
    guard let row = rows.first else { return .nobody("auth_query knows no such user") }
    guard row.count >= 2 else { return .failed("auth_query gave \(row.count) column, not user and password") }
    guard row[0] != nil else { return .nobody("auth_query knows no such user") }
    guard let bytes = row[1], !bytes.isEmpty else { return .nobody("auth_query gave no password") }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return .failed("auth_query gave a password that is not UTF-8")
    }
    let end = row.count > 2 ? row[2].flatMap { PasswordEnd($0) } : nil
    switch end {
    case nil, .never: return .found(StoredPassword(text), expires: nil)
    case .at(let seconds): return .found(StoredPassword(text), expires: seconds)
    case .past: return .nobody("the password has expired")
    }
  }

  private static func columns(_ row: DataRowView, _ bytes: Span<UInt8>) -> [[UInt8]?]? {
    var columns: [[UInt8]?] = []
    var position = row.columnsStart
    for _ in 0..<row.columnCount {
      guard let column = row.column(in: bytes, at: position) else { return nil }
      columns.append(
        column.isNull ? nil : copiedBytes(in: bytes, from: column.valueStart, to: column.valueEnd))
      position = column.valueEnd
    }
    return columns
  }
}

/// Until when a password counts, as a server with `DateStyle` ISO and `TimeZone` UTC writes it.
package enum PasswordEnd: Equatable, Sendable {
  case never
  /// Seconds since 1970.
  case at(Int64)
  /// Before our era, or before all times.
  case past

  /// - Returns: `nil` for what is no moment of time.
  package init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    switch text {
    case "infinity": self = .never
    case "-infinity": self = .past
    default:
      let parts = text.split(separator: " ", omittingEmptySubsequences: false)
      guard (1...3).contains(parts.count), let day = Self.day(parts[0]) else { return nil }
      let isBeforeChrist = parts.last == "BC"
      var seconds: Int64 = 0
      if parts.count > 1, parts[1] != "BC" {
        guard let time = Self.time(parts[1]) else { return nil }
        seconds = time
      }
      guard parts.count < 3 || isBeforeChrist else { return nil }
      self = isBeforeChrist ? .past : .at(day * 86_400 + seconds)
    }
  }

  /// `2026-11-21`, as days since 1970.
  private static func day(_ text: Substring) -> Int64? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, (4...6).contains(parts[0].utf8.count), let year = number(parts[0]),
      let month = number(parts[1]), let day = number(parts[2]), (1...12).contains(month),
      (1...31).contains(day)
    else { return nil }
    // Years begin in March, so that the day which not every year has is the last.
    let years = month > 2 ? year : year - 1
    let months = (month + 9) % 12
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 306 + 5) / 10 + day - 1
    return days - 719_468
  }

  /// `19:24:36.5+00`, as seconds; what is less than a second is dropped.
  private static func time(_ text: Substring) -> Int64? {
    let signs: [Character] = ["+", "-"]
    let clock = text.prefix { !signs.contains($0) }
    let zone = text.dropFirst(clock.count)
    let parts = clock.prefix { $0 != "." }.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let hours = number(parts[0]), let minutes = number(parts[1]),
      let seconds = number(parts[2])
    else { return nil }
    var offset: Int64 = 0
    if let sign = zone.first {
      for (place, part) in zone.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        .enumerated()
      {
        guard place < 3, let value = number(part) else { return nil }
        offset += value * [3_600, 60, 1][place]
      }
      if sign == "-" { offset = -offset }
    }
    return hours * 3_600 + minutes * 60 + seconds - offset
  }

  private static func number(_ text: Substring) -> Int64? {
    guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int64(text)
  }
}
