/// A session that holds what another one waits for, as far as the server lets us see it.
package struct LockHolder: Sendable, Equatable {
  /// 0 for a prepared transaction, which has no session.
  package var pid: Int
  /// What the client calls itself; empty when it says nothing or we may not see it.
  package var application: String
  /// Its address, "local socket", or empty when we may not see it.
  package var client: String
  /// `client backend`, `autovacuum worker`, …
  package var kind: String
  /// `active`, `idle`, `idle in transaction`, …; empty when we may not see it.
  package var state: String
  /// How long it has been in that state.
  package var seconds: Int
  /// What it runs, or ran last; empty when we may not see it.
  package var statement: String

  package init(
    pid: Int, application: String = "", client: String = "", kind: String = "client backend",
    state: String = "", seconds: Int = 0, statement: String = ""
  ) {
    self.pid = pid
    self.application = application
    self.client = client
    self.kind = kind
    self.state = state
    self.seconds = seconds
    self.statement = statement
  }

  /// `pid 4711 (psql, 10.0.0.7), idle in transaction for 4 min, last statement: UPDATE …`
  package var text: String {
    guard pid != 0 else { return "a prepared transaction (see pg_prepared_xacts)" }
    var known = [application, client].filter { !$0.isEmpty }
    if kind != "client backend", !kind.isEmpty { known = [kind] }
    var text = "pid \(pid)" + (known.isEmpty ? "" : " (\(known.joined(separator: ", ")))")
    guard !state.isEmpty else { return text + ", whose state this user may not see" }
    text += ", \(state) for \(Self.age(seconds))"
    let line = Self.firstLine(statement, limit: 80)
    if !line.isEmpty { text += (state == "active" ? ": " : ", last statement: ") + line }
    return text
  }

  /// What to do about it when it looks forgotten: nothing has happened there for a minute.
  package var advice: String? {
    if pid == 0 { return "end it by COMMIT PREPARED or ROLLBACK PREPARED with its name in pg_prepared_xacts" }
    guard state.hasPrefix("idle"), seconds >= 60 else { return nil }
    return "nothing has happened there for \(Self.age(seconds)); if it is forgotten, end it: "
      + "SELECT pg_terminate_backend(\(pid));"
  }

  /// All of them in one line.
  package static func text(_ holders: [LockHolder]) -> String {
    guard let first = holders.first else { return "" }
    switch holders.count {
    case 1: return first.text
    case 2: return first.text + "; and " + holders[1].text
    default: return first.text + "; and \(holders.count - 1) more"
    }
  }

  /// `8 s`, `4 min`, `3 h`, `2 d`: rounded down.
  package static func age(_ seconds: Int) -> String {
    switch seconds {
    case ..<120: "\(max(0, seconds)) s"
    case ..<7_200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3_600) h"
    default: "\(seconds / 86_400) d"
    }
  }

  /// The first line that holds anything, its blanks made single, cut at `limit` characters.
  package static func firstLine(_ text: String, limit: Int) -> String {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let line = lines.first(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "" }
    var words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    while let last = words.last, last == ";" || last == " " { words.removeLast() }
    return words.count > limit ? words.prefix(limit - 1) + "…" : words
  }
}
