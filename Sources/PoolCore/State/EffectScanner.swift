import SQLText

/// One pass over a text's tokens.
struct EffectScanner {
  var lexer: Lexer
  /// The statement is an UPDATE.
  var isUpdate = false
  /// The statement may hold an EXECUTE that is not its first word: EXPLAIN, CREATE TABLE AS.
  var mayExecute = false

  init(standardConformingStrings: Bool) {
    lexer = Lexer(offset: 0, standardConformingStrings: standardConformingStrings)
  }

  /// For the inside of a text's quotes.
  init(from offset: Int) { lexer = Lexer(offset: offset, standardConformingStrings: true) }

  mutating func scan(_ text: Span<UInt8>, into effects: inout SessionEffects) {
    while true {
      let first = lexer.next(in: text)
      switch first.kind {
      case .end: return
      case .semicolon: continue
      case .word:
        if !isHarmless(first, text) {
          effects.mayLeaveState = true
          if isKeyword(first, "insert", in: text) { effects.usesSequences = true }
        }
        scanStatement(startingWith: first, text, &effects)
      default: scanRest(after: first, text, &effects)
      }
    }
  }

  /// Whether statements that begin so leave nothing in their session, as far as their own text goes.
  private func isHarmless(_ first: Token, _ text: Span<UInt8>) -> Bool {
    switch text[first.start] | 0x20 {
    case UInt8(ascii: "s"):
      isKeyword(first, "select", in: text) || isKeyword(first, "show", in: text)
        || isKeyword(first, "savepoint", in: text) || isKeyword(first, "start", in: text)
    case UInt8(ascii: "b"): isKeyword(first, "begin", in: text)
    case UInt8(ascii: "c"): isKeyword(first, "commit", in: text)
    case UInt8(ascii: "e"): isKeyword(first, "end", in: text)
    case UInt8(ascii: "r"): isKeyword(first, "rollback", in: text) || isKeyword(first, "release", in: text)
    case UInt8(ascii: "u"): isKeyword(first, "update", in: text)
    case UInt8(ascii: "d"): isKeyword(first, "delete", in: text)
    case UInt8(ascii: "w"): isKeyword(first, "with", in: text)
    case UInt8(ascii: "v"): isKeyword(first, "values", in: text)
    default: false
    }
  }

  mutating func scanStatement(
    startingWith first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects
  ) {
    isUpdate = isKeyword(first, "update", in: text)
    mayExecute = isKeyword(first, "explain", in: text) || isKeyword(first, "create", in: text)
    switch text[first.start] | 0x20 {
    case UInt8(ascii: "s") where isKeyword(first, "set", in: text): scanSet(text, &effects)
    case UInt8(ascii: "r") where isKeyword(first, "reset", in: text): scanReset(text, &effects)
    case UInt8(ascii: "c"): scanC(first, text, &effects)
    case UInt8(ascii: "e") where isKeyword(first, "execute", in: text):
      if let name = statementName(lexer.next(in: text), text) { effects.calls(name) }
      scanRest(after: lexer.next(in: text), text, &effects)
    case UInt8(ascii: "d"): scanD(first, text, &effects)
    case UInt8(ascii: "l") where isKeyword(first, "listen", in: text):
      effects.marks.insert(.channels)
      skipStatement(text)
    case UInt8(ascii: "u") where isKeyword(first, "unlisten", in: text):
      let channel = lexer.next(in: text)
      effects.marks.insert(.channels)
      if let name = statementName(channel, text) {
        effects.unlistened.append(name)
      } else {
        effects.unlistensAll = true
      }
      if !isEnd(channel) { skipStatement(text) }
    case UInt8(ascii: "n") where isKeyword(first, "notify", in: text):
      effects.marks.insert(.notifies)
      skipStatement(text)
    case UInt8(ascii: "l") where isKeyword(first, "load", in: text):
      effects.pins(.library)
      skipStatement(text)
    case UInt8(ascii: "p") where isKeyword(first, "prepare", in: text):
      let next = lexer.next(in: text)
      if !isKeyword(next, "transaction", in: text), let name = statementName(next, text) {
        effects.marks.insert(.names)
        effects.calls(name)
      }
      scanRest(after: lexer.next(in: text), text, &effects)
    default: scanRest(after: first, text, &effects)
    }
  }

  mutating func scanD(_ first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    if isKeyword(first, "discard", in: text) {
      // What DISCARD ALL does to prepared statements is told by its command tag.
      let what = lexer.next(in: text)
      if isKeyword(what, "all", in: text) {
        effects.undoesAll()
        effects.resetsRole = true
      }
      if !isKeyword(what, "plans", in: text) { effects.marks.insert(.pins) }
      if !isEnd(what) { skipStatement(text) }
    } else if isKeyword(first, "deallocate", in: text) {
      scanDeallocate(text, &effects)
    } else if isKeyword(first, "drop", in: text) {
      effects.marks.insert(.pins)
      noteDefinition(lexer.next(in: text), text, &effects)
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

  mutating func scanSet(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var name = lexer.next(in: text)
    if isKeyword(name, "local", in: text) {
      let setting = lexer.next(in: text)
      let isReading =
        isKeyword(setting, "time", in: text) || isKeyword(setting, "names", in: text)
        || isKeyword(setting, "xml", in: text)
        || (setting.kind != .end && ReadingTable.settings.contains(identifier(setting, text)))
      if isReading { effects.marks.insert(.reading) }
      return isEnd(setting) ? () : skipStatement(text)
    }
    if isKeyword(name, "session", in: text) {
      name = lexer.next(in: text)
      if isKeyword(name, "authorization", in: text) {
        let value = record("session_authorization", &effects, false, valueIn: text)
        return isEnd(value) ? () : skipStatement(text)
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

  mutating func scanReset(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    let name = lexer.next(in: text)
    if isKeyword(name, "all", in: text) {
      effects.undoesAll()
      return skipStatement(text)
    }
    if isKeyword(name, "session", in: text) {
      effects.undoes("session_authorization")
      return skipStatement(text)
    }
    recordSetting(name, text, &effects, isReset: true)
  }

  mutating func recordSetting(
    _ name: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects, isReset: Bool
  ) {
    if isKeyword(name, "transaction", in: text) || isKeyword(name, "constraints", in: text) {
      return skipStatement(text)
    }
    var value: Token?
    if isKeyword(name, "time", in: text) {
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
      if isEnd(next) || (full == "role" && next.kind != .operatorSymbol && !isKeyword(next, "to", in: text)) {
        record(full, &effects, isReset)
        value = next
      } else {
        // Behind TO or =.
        value = record(full, &effects, isReset, valueIn: text)
      }
    }
    // The values may hold anything but a semicolon outside quotes; they change nothing else.
    if let value, isEnd(value) { return }
    skipStatement(text)
  }

  func isEnd(_ token: Token) -> Bool { token.kind == .end || token.kind == .semicolon }

  /// Records by the value that comes next: SET x TO DEFAULT is RESET x, and LOCAL is TIME ZONE's DEFAULT.
  mutating func record(
    _ setting: String, _ effects: inout SessionEffects, _ isReset: Bool, valueIn text: Span<UInt8>
  ) -> Token {
    let value = lexer.next(in: text)
    let isDefault = isKeyword(value, "default", in: text)
    let isLocal = setting == "timezone" && isKeyword(value, "local", in: text)
    record(setting, &effects, isReset || isDefault || isLocal)
    return value
  }

  func record(_ setting: String, _ effects: inout SessionEffects, _ isReset: Bool) {
    if isReset { effects.undoes(setting) } else { effects.sets(setting) }
  }

  func identifier(_ token: Token, _ text: Span<UInt8>) -> String {
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
}
