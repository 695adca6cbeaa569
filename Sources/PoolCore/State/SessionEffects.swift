import SQLText

/// What a statement's text says it may do to the state of its session.
///
/// Tokens decide what follows a client and what pins it. They never decide that a backend is clean: views,
/// casts and functions change state behind innocent text, so a backend is cleaned at every change of client.
package struct SessionEffects: Equatable, Sendable {
  /// What the text touches that only its own backend can keep.
  package var pin: PinReason?
  /// Settings whose values must be asked for once the transaction has ended, lower case.
  package var settings: [String] = []
  /// Settings that go back to what the client started with, if the transaction commits, lower case.
  package var resets: [String] = []
  /// RESET ALL: every setting goes back to what the client started with.
  package var resetsAll = false

  package init() {}

  /// Nothing that a pool must care for.
  package var isEmpty: Bool { pin == nil && settings.isEmpty && resets.isEmpty && !resetsAll }

  /// Longer texts are not read to their end; they count as unknown and pin.
  package static let longestScanned = 65_536

  /// Reads all statements of a text. Allocates only when there is something to tell.
  package static func scan(_ text: Span<UInt8>, standardConformingStrings: Bool = true) -> SessionEffects {
    var effects = SessionEffects()
    if text.count > longestScanned {
      effects.pin = .longText
      return effects
    }
    var scanner = EffectScanner(standardConformingStrings: standardConformingStrings)
    scanner.scan(text, into: &effects)
    return effects
  }

  mutating func pins(_ reason: PinReason) { if pin == nil { pin = reason } }

  // The last word on a setting counts: it is among `settings` or among `resets`, never in both.

  mutating func sets(_ setting: String) {
    resets.removeAll { $0 == setting }
    if !settings.contains(setting) { settings.append(setting) }
  }

  mutating func undoes(_ setting: String) {
    settings.removeAll { $0 == setting }
    if !resets.contains(setting) { resets.append(setting) }
  }

  mutating func undoesAll() {
    for setting in settings { undoes(setting) }
    resetsAll = true
  }
}

/// One pass over a text's tokens.
struct EffectScanner {
  private var lexer: Lexer

  init(standardConformingStrings: Bool) {
    lexer = Lexer(offset: 0, standardConformingStrings: standardConformingStrings)
  }

  mutating func scan(_ text: Span<UInt8>, into effects: inout SessionEffects) {
    while true {
      let first = lexer.next(in: text)
      switch first.kind {
      case .end: return
      case .semicolon: continue
      case .word: scanStatement(startingWith: first, text, &effects)
      default: scanRest(after: first, text, &effects)
      }
    }
  }

  private mutating func scanStatement(
    startingWith first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects
  ) {
    switch text[first.start] | 0x20 {
    case UInt8(ascii: "s") where isKeyword(first, "set", in: text): scanSet(text, &effects)
    case UInt8(ascii: "r") where isKeyword(first, "reset", in: text): scanReset(text, &effects)
    case UInt8(ascii: "c") where isKeyword(first, "create", in: text): scanCreate(text, &effects)
    case UInt8(ascii: "d"): scanD(first, text, &effects)
    case UInt8(ascii: "l") where isKeyword(first, "listen", in: text):
      effects.pins(.listen)
      skipStatement(text)
    case UInt8(ascii: "l") where isKeyword(first, "load", in: text):
      effects.pins(.library)
      skipStatement(text)
    case UInt8(ascii: "p") where isKeyword(first, "prepare", in: text):
      let next = lexer.next(in: text)
      if !isKeyword(next, "transaction", in: text) { effects.pins(.preparedStatement) }
      scanRest(after: next, text, &effects)
    default: scanRest(after: first, text, &effects)
    }
  }

  private mutating func scanD(_ first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    if isKeyword(first, "discard", in: text) {
      // What DISCARD ALL does to prepared statements is told by its command tag.
      if isKeyword(lexer.next(in: text), "all", in: text) { effects.undoesAll() }
      skipStatement(text)
    } else if isKeyword(first, "declare", in: text) {
      scanDeclare(text, &effects)
    } else if isKeyword(first, "do", in: text) {
      scanBlock(text, &effects)
    } else {
      scanRest(after: first, text, &effects)
    }
  }

  // MARK: SET and RESET

  private mutating func scanSet(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var name = lexer.next(in: text)
    if isKeyword(name, "local", in: text) { return skipStatement(text) }
    if isKeyword(name, "session", in: text) {
      name = lexer.next(in: text)
      if isKeyword(name, "authorization", in: text) {
        effects.pins(.role)
        return skipStatement(text)
      }
      if isKeyword(name, "characteristics", in: text) {
        effects.sets("default_transaction_isolation")
        effects.sets("default_transaction_read_only")
        effects.sets("default_transaction_deferrable")
        return skipStatement(text)
      }
    }
    recordSetting(name, text, &effects, isReset: false)
  }

  private mutating func scanReset(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    let name = lexer.next(in: text)
    if isKeyword(name, "all", in: text) {
      effects.undoesAll()
      return skipStatement(text)
    }
    if isKeyword(name, "session", in: text) { return skipStatement(text) }
    recordSetting(name, text, &effects, isReset: true)
  }

  private mutating func recordSetting(
    _ name: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects, isReset: Bool
  ) {
    if isKeyword(name, "transaction", in: text) || isKeyword(name, "constraints", in: text) {
      return skipStatement(text)
    }
    var value: Token?
    if isKeyword(name, "role", in: text) || isKeyword(name, "session_authorization", in: text) {
      if !isReset { effects.pins(.role) }
    } else if isKeyword(name, "time", in: text) {
      _ = lexer.next(in: text)
      value = record("timezone", &effects, isReset, valueIn: text)
    } else if isKeyword(name, "names", in: text) {
      value = record("client_encoding", &effects, isReset, valueIn: text)
    } else if isKeyword(name, "schema", in: text) {
      value = record("search_path", &effects, isReset, valueIn: text)
    } else if isKeyword(name, "xml", in: text) {
      effects.sets("xmloption")
    } else if isKeyword(name, "seed", in: text) {
      effects.pins(.randomSeed)
    } else if name.kind == .word || name.kind == .quotedIdentifier {
      var full = identifier(name, text)
      var next = lexer.next(in: text)
      while next.kind == .dot {
        full += "." + identifier(lexer.next(in: text), text)
        next = lexer.next(in: text)
      }
      // Behind TO or =.
      value = isEnd(next) ? next : record(full, &effects, isReset, valueIn: text)
      if isEnd(next) { record(full, &effects, isReset) }
    }
    // The values may hold anything but a semicolon outside quotes; they change nothing else.
    if let value, isEnd(value) { return }
    skipStatement(text)
  }

  private func isEnd(_ token: Token) -> Bool { token.kind == .end || token.kind == .semicolon }

  /// Records by the value that comes next: SET x TO DEFAULT is RESET x, and LOCAL is TIME ZONE's DEFAULT.
  private mutating func record(
    _ setting: String, _ effects: inout SessionEffects, _ isReset: Bool, valueIn text: Span<UInt8>
  ) -> Token {
    let value = lexer.next(in: text)
    let isDefault = isKeyword(value, "default", in: text)
    let isLocal = setting == "timezone" && isKeyword(value, "local", in: text)
    record(setting, &effects, isReset || isDefault || isLocal)
    return value
  }

  private func record(_ setting: String, _ effects: inout SessionEffects, _ isReset: Bool) {
    if isReset { effects.undoes(setting) } else { effects.sets(setting) }
  }

  private func identifier(_ token: Token, _ text: Span<UInt8>) -> String {
    var name: [UInt8] = []
    let quoted = token.kind == .quotedIdentifier
    var offset = quoted ? token.start + 1 : token.start
    let end = quoted ? token.end - 1 : token.end
    while offset < end {
      let byte = text[offset]
      // Names of settings are compared without case (guc_name_compare), quoted or not.
      name.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte)
      offset += byte == UInt8(ascii: "\"") ? 2 : 1
    }
    return String(decoding: name, as: UTF8.self)
  }

  // MARK: Others

  /// CREATE [OR REPLACE] [GLOBAL | LOCAL] { TEMP | TEMPORARY } …
  private mutating func scanCreate(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var token = lexer.next(in: text)
    for word in ["or", "replace", "global", "local"] where isKeyword(token, word, in: text) {
      token = lexer.next(in: text)
    }
    if isKeyword(token, "temp", in: text) || isKeyword(token, "temporary", in: text) {
      effects.pins(.temporaryObject)
    }
    scanRest(after: token, text, &effects)
  }

  /// DECLARE … CURSOR WITH HOLD …
  private mutating func scanDeclare(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var previousWasWith = false
    while true {
      let token = lexer.next(in: text)
      if token.kind == .end || token.kind == .semicolon { return }
      if previousWasWith, isKeyword(token, "hold", in: text) { effects.pins(.heldCursor) }
      previousWasWith = isKeyword(token, "with", in: text)
      inspect(token, text, &effects)
    }
  }

  /// DO: its body is code, and what it sets stays.
  private mutating func scanBlock(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    while true {
      let token = lexer.next(in: text)
      if token.kind == .end || token.kind == .semicolon { return }
      guard token.kind == .dollarString || token.kind == .string || token.kind == .escapeString else {
        continue
      }
      // Inside the quotes every word counts: PL/pgSQL has statements anywhere.
      var inner = Lexer(offset: token.start + bodyOffset(token, text), standardConformingStrings: true)
      while true {
        let word = inner.next(in: text)
        if word.start >= token.end || word.kind == .end { break }
        if isKeyword(word, "set", in: text) || isKeyword(word, "reset", in: text) {
          effects.pins(.settingInBlock)
        }
        if isKeyword(word, "temp", in: text) || isKeyword(word, "temporary", in: text) {
          effects.pins(.temporaryObject)
        }
        if isKeyword(word, "listen", in: text) { effects.pins(.listen) }
        inspect(word, text, &effects)
      }
    }
  }

  private func bodyOffset(_ token: Token, _ text: Span<UInt8>) -> Int {
    guard token.kind == .dollarString else { return 1 }
    var offset = token.start + 1
    while offset < token.end, text[offset] != UInt8(ascii: "$") { offset += 1 }
    return offset + 1 - token.start
  }

  private mutating func skipStatement(_ text: Span<UInt8>) {
    while true {
      let token = lexer.next(in: text)
      if token.kind == .end || token.kind == .semicolon { return }
    }
  }

  private mutating func scanRest(after first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var token = first
    var afterInto = false
    while token.kind != .end, token.kind != .semicolon {
      if token.kind == .word || token.kind == .quotedIdentifier {
        if afterInto, isKeyword(token, "temp", in: text) || isKeyword(token, "temporary", in: text) {
          effects.pins(.temporaryObject)
        }
        let isScope = isKeyword(token, "local", in: text) || isKeyword(token, "global", in: text)
        afterInto = isKeyword(token, "into", in: text) || (afterInto && isScope)
        inspect(token, text, &effects)
      }
      token = lexer.next(in: text)
    }
  }

  /// Functions that are known by name, and the temporary schema.
  private mutating func inspect(_ token: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    guard token.kind == .word || token.kind == .quotedIdentifier else { return }
    let quoted = token.kind == .quotedIdentifier ? 1 : 0
    let start = token.start + quoted
    let length = token.end - quoted - start
    guard length >= 7 else { return }
    switch text[start] | 0x20 {
    case UInt8(ascii: "s"):
      if length == 10, matches(text, start, "set_config") { scanSetConfig(text, &effects) }
    case UInt8(ascii: "l"):
      if length == 7, matches(text, start, "lastval") { effects.pins(.sequenceMemory) }
    case UInt8(ascii: "c"):
      if length == 7, matches(text, start, "currval") { effects.pins(.sequenceMemory) }
    case UInt8(ascii: "p"):
      if length == 7, matches(text, start, "pg_temp") { effects.pins(.temporaryObject) }
      if length >= 16, isSessionLock(text, start, length) { effects.pins(.advisoryLock) }
    default: return
    }
  }

  /// `set_config('name', value, is_local)`: with a literal name, that setting's value is asked for afterwards.
  private mutating func scanSetConfig(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var ahead = lexer
    guard ahead.next(in: text).kind == .leftParen else { return }
    let name = ahead.next(in: text)
    guard name.kind == .string, name.end - name.start > 2, ahead.next(in: text).kind == .comma else {
      effects.pins(.settingByFunction)
      return
    }
    var bytes: [UInt8] = []
    for offset in (name.start + 1)..<(name.end - 1) {
      let byte = text[offset]
      bytes.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte)
    }
    let setting = String(decoding: bytes, as: UTF8.self)
    if setting == "role" || setting == "session_authorization" {
      effects.pins(.role)
    } else {
      effects.sets(setting)
    }
  }

  /// pg_advisory_lock, pg_advisory_lock_shared, pg_try_advisory_lock, pg_try_advisory_lock_shared.
  private func isSessionLock(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> Bool {
    (matches(text, start, "pg_advisory_lock") && (length == 16 || length == 23))
      || (length >= 20 && matches(text, start, "pg_try_advisory_lock") && (length == 20 || length == 27))
  }

  /// Whether the text goes on with `word` (lower case) at `start`, without regard to case.
  private func matches(_ text: Span<UInt8>, _ start: Int, _ word: String) -> Bool {
    let letters = word.utf8Span.span
    guard start + letters.count <= text.count else { return false }
    for index in 0..<letters.count {
      let byte = text[start + index]
      if (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) != letters[index] { return false }
    }
    return true
  }
}
