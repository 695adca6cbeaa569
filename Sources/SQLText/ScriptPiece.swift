/// What a script is made of, in the order of the script.
package enum ScriptPiece: Equatable, Sendable {
  case statement(ScriptStatement)
  /// Data of the COPY statement before it: whole lines as they stand, line ends kept; only a line longer than
  /// ``ScriptSplitter/copyChunkSize`` is cut, at that size.
  case copyData([UInt8])
  /// The `\.` that ends the data, with its line, from 1.
  case copyEnd(line: Int)
}

/// One statement of a script.
package struct ScriptStatement: Equatable, Sendable {
  /// The statement as it is sent: without its semicolon, trimmed, leading comments kept (Flyway sends them).
  package var text: [UInt8]
  /// Of the first byte of `text`.
  package var textStart: SourcePosition
  /// Of the first token that is not a comment: the line that Flyway's error messages show.
  package var start: SourcePosition
  /// The leading words outside parentheses in upper case, at most ``maximumKeywords``: enough to know what
  /// kind of statement it is. Comments, strings, quoted and qualified names and words with anything but ASCII
  /// letters and `_` are left out, as Flyway does before it matches `CREATE INDEX CONCURRENTLY` and its like.
  package var keywords: [String]
  /// `COPY … FROM STDIN`: ``ScriptPiece/copyData(_:)`` and ``ScriptPiece/copyEnd(line:)`` follow.
  package var isCopyFromStdin: Bool
  /// A parameter, `$1`, stands in it somewhere.
  package var hasParameter: Bool

  /// How many of the leading words are kept.
  package static let maximumKeywords = 10

  package init(
    text: [UInt8], textStart: SourcePosition, start: SourcePosition, keywords: [String],
    isCopyFromStdin: Bool = false, hasParameter: Bool = false
  ) {
    self.text = text
    self.textStart = textStart
    self.start = start
    self.keywords = keywords
    self.isCopyFromStdin = isCopyFromStdin
    self.hasParameter = hasParameter
  }

  /// The text; bytes that are not UTF-8 become U+FFFD.
  package var string: String { String(decoding: text, as: UTF8.self) }
}
