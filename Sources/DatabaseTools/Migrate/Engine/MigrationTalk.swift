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

  package init(
    say: @escaping (String) -> Void, warn: @escaping (String) -> Void, results: ((Rows) -> Void)? = nil,
    notice: @escaping (Notice) -> Void
  ) {
    self.say = say
    self.warn = warn
    self.results = results
    self.notice = notice
  }
}
