/// Whether the token is this word, in any mixture of case. Only unquoted words are: `"select"` is not.
///
/// - Parameter keyword: ASCII letters, digits and `_`; in either case.
@inlinable
package func isKeyword(_ token: Token, _ keyword: String, in text: Span<UInt8>) -> Bool {
  // For a literal the length is a constant of the caller: nearly every word is ruled out by one comparison.
  guard token.kind == .word, token.end - token.start == keyword.utf8.count else { return false }
  return isSameWord(token, keyword, in: text)
}

/// Whether the letters are the same, the lengths being equal.
@usableFromInline
package func isSameWord(_ token: Token, _ keyword: String, in text: Span<UInt8>) -> Bool {
  let letters = keyword.utf8Span.span
  var index = 0
  while index < letters.count {
    // Setting the case bit cannot make two different characters of words equal: of the pairs that differ
    // in this bit alone, only letters can stand in an ASCII keyword and in a word.
    if text[token.start + index] | 0x20 != letters[index] | 0x20 { return false }
    index += 1
  }
  return true
}
