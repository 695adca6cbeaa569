/// Why no connection could be made. Holds no password: the text is cleaned before it gets here.
package struct ConnectionFailure: Error, Sendable, Equatable {
  /// libpq's and the server's words, without a final line end; may have several lines (one a host).
  package var message: String
  /// The server's SQLSTATE, when it was a server that refused.
  package var sqlState: String?

  package init(message: String, sqlState: String? = nil) {
    self.message = message
    self.sqlState = sqlState
  }

  /// Whether the server was reached but did not accept who we said we are (class 28, or no password).
  package var isAuthentication: Bool {
    sqlState?.hasPrefix("28") ?? message.contains("no password supplied")
  }

  /// Whether waiting may help: nobody listened, or the server starts, stops or is full.
  package var isTransient: Bool {
    switch sqlState {
    case nil: !isAuthentication
    case "57P01", "57P02", "57P03", "53300": true
    default: false
    }
  }

  /// Reads libpq's verbose form, `FATAL:  28P01: password authentication failed for user "app"` and a
  /// `LOCATION:` line, into message and SQLSTATE.
  ///
  /// The severity word may be translated, so it is known by its place, not by its spelling. Of several
  /// hosts the last SQLSTATE counts: it is the one libpq gave up on.
  package init(verbose text: String, hiding secrets: [String]) {
    var lines: [Substring] = []
    var sqlState: String?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("LOCATION:  ") { continue }
      guard let found = Self.codeInside(line) else {
        lines.append(line)
        continue
      }
      sqlState = String(found.code)
      lines.append(found.rest)
    }
    self.init(
      message: Redaction.hiding(secrets, in: lines.joined(separator: "\n")), sqlState: sqlState)
  }

  private static func codeInside(_ line: Substring) -> (code: Substring, rest: Substring)? {
    // "connection to server at … failed: FATAL:  28P01: words": two spaces, five characters, a colon.
    var tail = line
    while let gap = firstGap(in: tail) {
      let code = tail[gap...].prefix(5)
      let after = tail[gap...].dropFirst(5)
      let isCode =
        code.utf8.count == 5
        && code.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
      if isCode, after.hasPrefix(": ") {
        return (code, line[..<gap] + after.dropFirst(2))
      }
      tail = tail[gap...]
    }
    return nil
  }

  /// The index behind the first `:` that two spaces follow.
  private static func firstGap(in text: Substring) -> Substring.Index? {
    var rest = text
    while let colon = rest.firstIndex(of: ":") {
      rest = rest[rest.index(after: colon)...]
      if rest.hasPrefix("  ") { return rest.index(rest.startIndex, offsetBy: 2) }
    }
    return nil
  }
}

private func + (head: Substring, tail: Substring) -> Substring { Substring(String(head) + String(tail)) }
