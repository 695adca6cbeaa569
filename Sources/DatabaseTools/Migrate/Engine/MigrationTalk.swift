package import LibPQ

/// Where a migration command says what it does. Results come back as values; this is the talk beside them.
package struct MigrationTalk {
  /// Progress, for people.
  package var say: (String) -> Void
  /// What is odd but no error.
  package var warn: (String) -> Void
  /// What a SELECT in a script returned; nil when nobody wants it.
  package var results: ((Rows) -> Void)?
  /// A server's NOTICE and its like.
  package var notice: (Notice) -> Void
  /// Of a wait: a line over the one before it, or nil to take it away. Nil where nothing can be drawn over.
  package var status: ((String?) -> Void)?
  /// Whether an error shows the whole statement that failed. It may hold what is secret, so it is asked for.
  package var showsStatements = false

  package init(
    say: @escaping (String) -> Void, warn: @escaping (String) -> Void, results: ((Rows) -> Void)? = nil,
    notice: @escaping (Notice) -> Void, status: ((String?) -> Void)? = nil,
    showsStatements: Bool = false
  ) {
    self.say = say
    self.warn = warn
    self.results = results
    self.notice = notice
    self.status = status
    self.showsStatements = showsStatements
  }

  /// Whether a wait may be told every second.
  var isInteractive: Bool { status != nil }

  /// Tells of a wait; a log keeps every line, so the end of a wait is not told there.
  func tell(_ line: String?) {
    if let status { status(line) } else if let line { say(line) }
  }
}
