import SQLText

/// Follows the tokens of a statement and finds the names that are called: those before a parenthesis.
struct CallFinder {
  /// The name that has just been read.
  private var name: Token?
  /// What stood before it and what qualifies it.
  private var lead: Token?
  private var previous: Token?

  /// - Returns: the name that is called, once its parenthesis has come.
  @inline(__always)
  mutating func follow(_ token: Token, _ text: Span<UInt8>) -> Token? {
    defer { previous = token }
    switch token.kind {
    case .word, .quotedIdentifier:
      if previous?.kind != .dot { lead = previous }
      name = token
      return nil
    case .leftParen:
      guard let name, previous?.end == name.end else { return nil }
      return isDefinition(text) ? nil : name
    default:
      if token.kind != .dot { name = nil }
      return nil
    }
  }

  /// `INSERT INTO t (a)`, `WITH t (a) AS`, `CREATE FUNCTION f (a int)`: names with columns or parameters.
  private func isDefinition(_ text: Span<UInt8>) -> Bool {
    guard let lead, lead.kind == .word else { return false }
    switch text[lead.start] | 0x20 {
    case UInt8(ascii: "i"): return isKeyword(lead, "into", in: text) || isKeyword(lead, "index", in: text)
    case UInt8(ascii: "a"): return isKeyword(lead, "as", in: text) || isKeyword(lead, "aggregate", in: text)
    case UInt8(ascii: "w"): return isKeyword(lead, "with", in: text)
    case UInt8(ascii: "t"): return isKeyword(lead, "table", in: text) || isKeyword(lead, "type", in: text)
    case UInt8(ascii: "f"): return isKeyword(lead, "function", in: text)
    case UInt8(ascii: "p"): return isKeyword(lead, "procedure", in: text)
    case UInt8(ascii: "r"):
      return isKeyword(lead, "routine", in: text) || isKeyword(lead, "references", in: text)
    case UInt8(ascii: "c"):
      return isKeyword(lead, "constraint", in: text) || isKeyword(lead, "copy", in: text)
    default: return false
    }
  }
}

extension EffectScanner {
  /// Notes a call, unless the name is one that everybody knows.
  func called(_ name: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    if name.kind == .word, KnownCalls.contains(text, from: name.start, to: name.end) { return }
    guard let bytes = statementName(name, text), !effects.functions.contains(bytes) else { return }
    // Bounded; a text that calls more is not worth the books.
    if effects.functions.count < 64 {
      effects.functions.append(bytes)
    } else {
      effects.marks.formUnion(.anything)
    }
  }
}
