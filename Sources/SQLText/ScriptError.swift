/// Why a script cannot be split into statements. Flyway sends the rest of the script, or nothing at all, in
/// most of these cases.
package enum ScriptError: Error, Equatable, Sendable {
  case unterminatedString(opened: SourcePosition)
  case unterminatedIdentifier(opened: SourcePosition)
  /// `tag` is the text between the dollar signs.
  case unterminatedDollarQuote(tag: String, opened: SourcePosition)
  case unterminatedComment(opened: SourcePosition)
  case unclosedParenthesis(opened: SourcePosition)
  /// `BEGIN ATOMIC` without its `END`.
  case unclosedAtomicBlock(opened: SourcePosition)
  /// The data of the `COPY … FROM STDIN` at `copy` has no `\.` line; `lastLine` is the script's last.
  case copyWithoutEnd(copy: SourcePosition, lastLine: Int)
  /// Something stands behind the semicolon of a `COPY … FROM STDIN`, on the same line.
  case textAfterCopy(at: SourcePosition)

  /// Where to look: the opening place.
  package var position: SourcePosition {
    switch self {
    case .unterminatedString(let opened), .unterminatedIdentifier(let opened),
      .unterminatedDollarQuote(_, let opened), .unterminatedComment(let opened),
      .unclosedParenthesis(let opened), .unclosedAtomicBlock(let opened):
      opened
    case .copyWithoutEnd(let copy, _): copy
    case .textAfterCopy(let at): at
    }
  }

  /// Whether PostgreSQL itself would call the text a syntax error, if it were sent.
  package var isSyntaxError: Bool {
    switch self {
    case .unterminatedString, .unterminatedIdentifier, .unterminatedDollarQuote, .unclosedParenthesis: true
    case .unterminatedComment, .unclosedAtomicBlock, .copyWithoutEnd, .textAfterCopy: false
    }
  }

  /// What is wrong, without the place.
  package var message: String {
    switch self {
    case .unterminatedString: "quoted string is never closed"
    case .unterminatedIdentifier: "quoted identifier is never closed"
    case .unterminatedDollarQuote(let tag, _): "dollar quote $\(tag)$ is never closed"
    case .unterminatedComment: "comment is never closed"
    case .unclosedParenthesis: "parenthesis is never closed"
    case .unclosedAtomicBlock: "BEGIN ATOMIC has no END"
    case .copyWithoutEnd(_, let lastLine):
      "data of COPY FROM STDIN has no end: the script stops after line \(lastLine)"
    case .textAfterCopy: "text follows the semicolon of COPY FROM STDIN on the same line"
    }
  }

  /// What to do about it.
  package var hint: String {
    switch self {
    case .unterminatedString: "close it with '; a quote inside a string is written ''"
    case .unterminatedIdentifier: "close it with \"; a quote inside a name is written \"\""
    case .unterminatedDollarQuote(let tag, _):
      "close it with $\(tag)$: the same tag, and in the same upper and lower case"
    case .unterminatedComment: "close it with */; comments nest, so each /* needs its own"
    case .unclosedParenthesis: "close it with ); a semicolon inside parentheses does not end a statement"
    case .unclosedAtomicBlock: "end the body with END; each CASE inside needs an END of its own"
    case .copyWithoutEnd: "end the data with a line that holds only \\."
    case .textAfterCopy: "the data begins on the next line; move this behind the line that holds \\."
    }
  }
}
