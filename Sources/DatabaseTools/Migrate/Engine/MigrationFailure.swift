package import LibPQ
package import Migrations

/// A migration command's failure: what people read, and what Flyway's JSON document says of it.
package struct MigrationFailure: Error, Sendable {
  /// Flyway's code.
  package var code: ErrorCode
  /// Flyway's words.
  package var message: String
  /// Messages of what lies behind it, the nearest first.
  package var causes: [String] = []
  /// Ours.
  package var failure: Failure
  package var sqlState: String?
  /// The statement's first line in its file, from 1.
  package var line: Int?
  /// Absolute.
  package var path: String?
  /// Whether it belongs into a `migrate` document: migrations were being applied.
  package var isInMigration = false
  /// The script itself ended the transaction it ran in (COMMIT): what came before that stays.
  package var endedTransaction = false
  /// Flyway's community edition refuses it, too, with an exit status of its own.
  package var isOfOtherEdition = false
  /// More of the document, by Flyway: of a lost or refused connection.
  package var subCode: String?

  package init(code: ErrorCode, message: String, failure: Failure) {
    self.code = code
    self.message = message
    self.failure = failure
  }

  /// A rule's refusal.
  package init(_ error: MigrationError) {
    self.init(code: error.code, message: error.message, failure: Failure(error))
    switch error {
    case .failedVersion, .failedRepeatable, .mixedGroup: isInMigration = true
    case .unservedCommand: isOfOtherEdition = true
    default: break  // raised before a migration is touched
    }
  }

  /// A failure that has no counterpart in Flyway.
  package init(_ failure: Failure, code: ErrorCode = .error) {
    self.init(code: code, message: failure.what, failure: failure)
  }

  /// A statement of our own that the server refused.
  package init(_ error: ServerError) {
    self.init(code: .connection, message: error.flywayText, failure: Failure(error))
    sqlState = error.sqlState
    causes = [error.flywayText]
  }
}

extension Failure {
  package init(_ error: MigrationError) {
    var exitCode = ExitStatus.failed
    switch error {
    case .unknownOptions, .unservedOption, .unknownWord, .unreadableValue, .unreadableChoice, .unreadableDate,
      .unservedCommand, .invalidPattern,
      .invalidPatternKind, .invalidPatternState:
      exitCode = ExitStatus.usage
    default: break  // the call was understood
    }
    if case .unreadableValue(let name, let value) = error {
      let kind = MigrationOptions.find(name: name)?.option.kind
      self.init(
        "'\(value)' is no value for \(name)", hint: kind?.form,
        exitCode: exitCode)
      return
    }
    var lines = error.message.split(whereSeparator: \.isNewline).map { String($0) }
    // Flyway's last line leads to its pages; the hint says what it is about.
    if case .validation = error { lines.removeLast() }
    self.init(
      lines.first ?? "", hint: error.hint, related: lines.dropFirst().filter { !$0.isEmpty },
      exitCode: exitCode)
  }
}

extension ServerError {
  /// The error as the JDBC driver words it, which Flyway passes on.
  package var flywayText: String {
    var text = "\(severity): \(message)"
    if let detail { text += "\n  Detail: \(detail)" }
    if let hint { text += "\n  Hint: \(hint)" }
    if position > 0 { text += "\n  Position: \(position)" }
    if let context { text += "\n  Where: \(context)" }
    return text
  }

  /// Flyway's block about a statement that failed.
  /// - Parameter statement: its text; nil where nobody asked to see it.
  package func flywayReport(
    title: String, location: String, absolutePath: String, line: Int, statement: String? = nil
  ) -> String {
    title + "\n" + String(repeating: "-", count: title.count) + "\nSQL State  : \(sqlState)\nError Code : 0"
      + "\nMessage    : \(flywayText)\nLocation   : \(location) (\(absolutePath))\nLine       : \(line)"
      + "\nStatement  : "
      + (statement ?? "Run Flyway with -X option to see the actual statement causing the problem") + "\n"
  }
}

extension ConnectionFailure {
  /// Nobody listens there.
  var isRefused: Bool { sqlState == nil && message.contains("Connection refused") }

  /// The reason as the JDBC driver words it: without libpq's `connection to server at …`.
  func jdbcMessage(to target: DatabaseTarget) -> String {
    if isRefused {
      return
        "Connection to \(target.host ?? "localhost"):\(target.port ?? "5432") refused. Check that the hostname"
        + " and port are correct and that the postmaster is accepting TCP/IP connections."
    }
    guard sqlState != nil, let failed = message.firstRange(of: " failed: ") else { return message }
    let words = message[failed.upperBound...]
    guard let gap = words.firstRange(of: ":  ") else { return String(words) }
    return words[..<gap.lowerBound] + ": " + words[gap.upperBound...]
  }
}
