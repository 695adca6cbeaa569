/// One lexical element of SQL text, named by its place; the bytes stay where they are.
@usableFromInline
package struct Token: Equatable, Sendable {
  @usableFromInline package var kind: TokenKind
  /// Byte offset of the first byte, prefixes (`E`, `U&`) and opening quotes included.
  @usableFromInline package var start: Int
  /// Byte offset after the last byte.
  @usableFromInline package var end: Int

  @inlinable
  package init(kind: TokenKind, start: Int, end: Int) {
    self.kind = kind
    self.start = start
    self.end = end
  }
}

/// What a token is. Source: PostgreSQL 15 manual, 4.1 Lexical Structure, and its scanner (scan.l).
@usableFromInline
package enum TokenKind: UInt8, Sendable {
  /// A keyword or an unquoted identifier; the lexer does not tell them apart.
  case word
  /// `"name"`.
  case quotedIdentifier
  /// `U&"name"`.
  case unicodeIdentifier
  /// `'text'`, `N'text'`; takes backslash escapes only when `standard_conforming_strings` is off.
  case string
  /// `E'text'` with its continuations on further lines, which take backslash escapes too.
  case escapeString
  /// `U&'text'`.
  case unicodeString
  /// `B'01'`, `X'1F'`.
  case bitString
  /// `$tag$text$tag$`.
  case dollarString
  /// `42`, `1.5e10`, `.5`, `0x1F`, `1_000`; a sign is an operator.
  case number
  /// `$1`.
  case parameter
  /// A run of operator characters, also `::`, `:=` and `..`.
  case operatorSymbol
  case semicolon
  case leftParen
  case rightParen
  case leftBracket
  case rightBracket
  case comma
  case dot
  case colon
  /// A byte that begins no token: a lone `$`, `\`, `{`, `}`, a control character.
  case other
  /// From an opening `'` to the end of the text.
  case unterminatedString
  /// From an opening `"` to the end of the text.
  case unterminatedIdentifier
  /// From an opening `$tag$` to the end of the text.
  case unterminatedDollar
  /// From an opening `/*` to the end of the text.
  case unterminatedComment
  /// Nothing but white space and comments follows; `start` and `end` are the length of the text.
  case end
}
