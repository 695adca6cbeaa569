import LibPQ
import SQLText

/// Errors inside a body: PostgreSQL names the line of the body, or shows the statement that the body made.
extension ServerError {
  /// Where in a `DO` statement's text the line stands that the server names, as a byte offset; nil elsewhere.
  ///
  /// Line 1 of a body is what follows its opening `$$`.
  func lineInBody(of statement: ScriptStatement) -> Int? {
    guard position == 0, statement.keywords.first == "DO", let context,
      let frame = context.split(separator: "\n").last(where: { $0.contains("inline_code_block line ") }),
      let number = frame.firstRange(of: "inline_code_block line ").map({ frame[$0.upperBound...] }),
      let line = Int(number.prefix { $0.isNumber })
    else { return nil }
    let text = statement.text.span
    var lexer = Lexer()
    var token = lexer.next(in: text)
    while token.kind != .dollarString {
      if token.kind == .end { return nil }
      token = lexer.next(in: text)
    }
    var offset = token.start
    var current = 1
    while current < line, offset < token.end {
      if text[offset] == 0x0A { current += 1 }
      offset += 1
    }
    while offset < token.end, text[offset] == 0x20 || text[offset] == 0x09 { offset += 1 }
    return current == line ? offset : nil
  }

  /// The statement that a body made, with a caret under the place; empty when there is none.
  var bodyStatement: [String] {
    guard let query = internalQuery, internalPosition > 0 else { return [] }
    let text = Array(query.utf8)
    let excerpt = SourceExcerpt(
      of: text.span, at: byteOffset(ofCharacter: internalPosition, in: text.span), width: 96)
    let caret = String(repeating: " ", count: max(0, excerpt.caret.unicodeScalars.count - 1)) + "^"
    return ["in the statement:", "  " + excerpt.text, "  " + caret]
  }
}
