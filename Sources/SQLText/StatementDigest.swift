/// A statement without what belongs to one call of it: literals and parameters are `?`, comments are gone, names and
/// keywords are in lower case. What calls of one statement have in common, and nothing that a user has typed in.
package struct StatementDigest: Equatable, Sendable {
  /// For people; cut, with an ellipsis, where it is longer than ``longest``.
  package let text: String
  /// The same for all calls of a statement, however they are spaced. FNV-1a of its tokens.
  package let fingerprint: UInt64

  /// Characters of ``text`` at most. The fingerprint takes in all of it.
  package static let longest = 400

  /// - Parameter standardConformingStrings: the session's setting; off, a backslash escapes a quote.
  package init(_ text: Span<UInt8>, standardConformingStrings: Bool = true) {
    var lexer = Lexer(standardConformingStrings: standardConformingStrings)
    var writer = Writer()
    while true {
      let token = lexer.next(in: text)
      if token.kind == .end { break }
      let hasBlank = token.start > writer.end
      writer.end = token.end
      writer.add(token, in: text, behindBlank: hasBlank)
    }
    self.text = String(decoding: writer.text, as: UTF8.self) + (writer.isCut ? "…" : "")
    fingerprint = writer.hash
  }

  /// As logs have it: 16 hexadecimal digits.
  package var name: String {
    let digits = String(fingerprint, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private struct Writer {
    var text: [UInt8] = []
    var isCut = false
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Where the last token ended.
    var end = 0
    private var last: [UInt8] = []
    /// A list of literals counts as one, however long it is.
    private var isInList = false
    private var pendingComma = false
    private var pendingEnd = false

    mutating func add(_ token: Token, in source: Span<UInt8>, behindBlank: Bool) {
      switch token.kind {
      case .string, .escapeString, .unicodeString, .bitString, .dollarString, .number, .parameter,
        .unterminatedString, .unterminatedDollar:
        if pendingComma, isInList {
          pendingComma = false
          return
        }
        settle()
        write([UInt8(ascii: "?")], behindBlank: behindBlank)
        isInList = true
      case .comma where isInList && !pendingComma: pendingComma = true
      // Only the last one ends the text.
      case .semicolon: pendingEnd = true
      case .unterminatedComment, .end: break
      case .word:
        settle()
        isInList = false
        write(
          bytes(of: token, in: source).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 },
          behindBlank: behindBlank)
      case .unterminatedIdentifier:
        // What follows may be anything.
        settle()
        isInList = false
        write([UInt8(ascii: "\"")], behindBlank: behindBlank)
      case .quotedIdentifier, .unicodeIdentifier, .operatorSymbol, .leftParen, .rightParen, .leftBracket,
        .rightBracket, .comma, .dot, .colon, .other:
        settle()
        isInList = false
        write(bytes(of: token, in: source), behindBlank: behindBlank)
      }
    }

    private func bytes(of token: Token, in source: Span<UInt8>) -> [UInt8] {
      var bytes: [UInt8] = []
      for offset in token.start..<token.end { bytes.append(source[offset]) }
      return bytes
    }

    /// Writes what was held back, since it is no part of a list, nor the end.
    private mutating func settle() {
      if pendingComma {
        pendingComma = false
        write([UInt8(ascii: ",")], behindBlank: false)
      }
      if pendingEnd {
        pendingEnd = false
        isInList = false
        write([UInt8(ascii: ";")], behindBlank: false)
      }
    }

    private mutating func write(_ token: [UInt8], behindBlank: Bool) {
      for byte in token { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01B3
      let blank = behindBlank || last == [UInt8(ascii: ",")] || last == [UInt8(ascii: ";")] ? 1 : 0
      last = token
      guard !isCut else { return }
      guard text.count + blank + token.count <= StatementDigest.longest else {
        isCut = true
        return
      }
      if blank == 1, !text.isEmpty { text.append(UInt8(ascii: " ")) }
      for byte in token { text.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: " ") : byte) }
    }
  }
}
