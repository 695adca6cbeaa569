/// What went wrong, in the words a user reads. Every command throws this, and one printer shows it.
///
/// Say what happened and to what; say in `detail` or `hint` what state things are in now. Never a password:
/// text that may hold one goes through `Redaction` first.
package struct Failure: Error, Sendable, Equatable {
  /// One line, without "error:", without a full stop at its end.
  package var what: String
  /// The server's SQLSTATE, when a server gave one.
  package var sqlState: String?
  /// The file, and where in it.
  package var place: Place?
  /// The line of that file, and where the caret goes.
  package var excerpt: Excerpt?
  package var detail: String?
  /// The next thing to do or type.
  package var hint: String?
  /// More details, shown under the first: the server's context, the other offenders.
  package var related: [String]
  /// 1 the operation failed or a check found something; 64 the command line is wrong; others by interface.
  package var exitCode: Int32

  package init(
    _ what: String, sqlState: String? = nil, place: Place? = nil, excerpt: Excerpt? = nil,
    detail: String? = nil, hint: String? = nil, related: [String] = [], exitCode: Int32 = 1
  ) {
    self.what = what
    self.sqlState = sqlState
    self.place = place
    self.excerpt = excerpt
    self.detail = detail
    self.hint = hint
    self.related = related
    self.exitCode = exitCode
  }

  /// A command line that cannot be followed: exit status 64.
  package static func usage(_ what: String, detail: String? = nil, hint: String? = nil) -> Failure {
    Failure(what, detail: detail, hint: hint, exitCode: ExitStatus.usage)
  }

  /// A place in a file.
  package struct Place: Sendable, Equatable {
    package var file: String
    /// From 1.
    package var line: Int?
    /// From 1, in characters.
    package var column: Int?

    package init(file: String, line: Int? = nil, column: Int? = nil) {
      self.file = file
      self.line = line
      self.column = column
    }

    /// `FILE`, `FILE:LINE` or `FILE:LINE:COLUMN`.
    package var text: String {
      guard let line else { return file }
      return column.map { "\(file):\(line):\($0)" } ?? "\(file):\(line)"
    }
  }

  /// A line of a file with a caret under it.
  package struct Excerpt: Sendable, Equatable {
    /// The line's text, without its end.
    package var text: String
    /// Where the caret stands, from 1, in characters; nil shows the line alone.
    package var caretColumn: Int?

    package init(text: String, caretColumn: Int? = nil) {
      self.text = text
      self.caretColumn = caretColumn
    }
  }
}

/// The exit statuses that mean the same for every command. Source: docs, "Commands".
package enum ExitStatus {
  package static let done: Int32 = 0
  package static let failed: Int32 = 1
  package static let usage: Int32 = 64
  /// A call in Flyway's form that wants what only its paid editions do.
  package static let otherEdition: Int32 = 35
  /// `ephemeral`: the server could not be provided.
  package static let ownFailure: Int32 = 125
  /// `ephemeral`: the command is there but cannot be executed.
  package static let notExecutable: Int32 = 126
  /// `ephemeral`: there is no such command.
  package static let notFound: Int32 = 127
  /// A process that signal `number` ended, as shells count it.
  package static func signal(_ number: Int32) -> Int32 { 128 + number }
}
