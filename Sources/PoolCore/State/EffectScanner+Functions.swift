import SQLText

// Functions that are known by name, and the temporary schema.

extension EffectScanner {
  mutating func skipStatement(_ text: Span<UInt8>) {
    while !isEnd(lexer.next(in: text)) {}
  }

  mutating func scanRest(after first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var token = first
    var afterInto = false
    var calls = CallFinder()
    while token.kind != .end, token.kind != .semicolon {
      if let name = calls.follow(token, text) { called(name, text, &effects) }
      if token.kind == .word || token.kind == .quotedIdentifier {
        if mayExecute, isKeyword(token, "execute", in: text) { noteExecute(text, &effects) }
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

  /// `EXPLAIN EXECUTE name`, `CREATE TABLE t AS EXECUTE name`; not a trigger's `EXECUTE FUNCTION`.
  private func noteExecute(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var ahead = lexer
    let next = ahead.next(in: text)
    if isKeyword(next, "function", in: text) || isKeyword(next, "procedure", in: text) { return }
    if let name = statementName(next, text) { effects.calls(name) }
  }

  mutating func inspect(_ token: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    guard token.kind == .word || token.kind == .quotedIdentifier else { return }
    let quoted = token.kind == .quotedIdentifier ? 1 : 0
    let start = token.start + quoted
    let length = token.end - quoted - start
    guard length >= 6 else { return }
    switch text[start] | 0x20 {
    case UInt8(ascii: "n"):
      if length == 7, matches(text, start, "nextval") {
        effects.mayLeaveState = true
        effects.usesSequences = true
      }
    case UInt8(ascii: "i"):
      if length == 6, matches(text, start, "insert") {
        effects.mayLeaveState = true
        effects.usesSequences = true
      }
    case UInt8(ascii: "s"):
      if length == 10, matches(text, start, "set_config") { scanSetConfig(text, &effects) }
      if length == 7, matches(text, start, "setseed") { effects.pins(.randomSeed) }
      if length == 6, matches(text, start, "setval") {
        effects.mayLeaveState = true
        effects.usesSequences = true
      }
    case UInt8(ascii: "l"):
      if length == 7, matches(text, start, "lastval") { effects.pins(.sequenceMemory) }
    case UInt8(ascii: "c"):
      if length == 7, matches(text, start, "currval") { effects.pins(.sequenceMemory) }
    case UInt8(ascii: "p"):
      if length == 7, matches(text, start, "pg_temp") { effects.pins(.temporaryObject) }
      if length == 9, matches(text, start, "pg_notify") { effects.marks.insert(.notifies) }
      if length == 11, isUpdate, matches(text, start, "pg_settings") { effects.marks.insert(.settings) }
      if length == 22, matches(text, start, "pg_prepared_statements") { effects.listsStatements = true }
      if length == 21, matches(text, start, "pg_listening_channels") { effects.listsChannels = true }
      if length >= 16 { inspectLock(text, start, length, &effects) }
    default: return
    }
  }

  /// `set_config('name', value, is_local)`: that setting's value is asked for afterwards, unless it is local.
  private func scanSetConfig(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var ahead = lexer
    guard ahead.next(in: text).kind == .leftParen else { return }
    let name = ahead.next(in: text)
    var next = ahead.next(in: text)
    // A cast of the name says nothing new.
    while next.kind == .operatorSymbol, next.end - next.start == 2, text[next.start] == UInt8(ascii: ":") {
      _ = ahead.next(in: text)
      next = ahead.next(in: text)
    }
    guard next.kind == .comma else { return effects.pins(.settingByFunction) }
    if isLocal(behind: ahead, text) {
      // Rare enough to be taken for one that decides how texts are read.
      if name.kind != .string || ReadingTable.settings.contains(where: { matches(text, name.start + 1, $0) })
      {
        effects.marks.insert(.reading)
      }
      return
    }
    switch name.kind {
    case .string where name.end - name.start > 2:
      var bytes: [UInt8] = []
      for offset in (name.start + 1)..<(name.end - 1) {
        let byte = text[offset]
        if byte == UInt8(ascii: "'") { return effects.pins(.settingByFunction) }
        bytes.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte)
      }
      effects.sets(String(decoding: bytes, as: UTF8.self))
    case .parameter:
      var number = 0
      for offset in (name.start + 1)..<name.end where number < 65_536 {
        number = number * 10 + Int(text[offset] & 15)
      }
      effects.settingParameters.append(number)
    default: effects.pins(.settingByFunction)
    }
  }

  /// Whether the call's last argument, behind the comma of its first, is the word true.
  private func isLocal(behind start: Lexer, _ text: Span<UInt8>) -> Bool {
    var ahead = start
    var depth = 0
    var previous = Token(kind: .end, start: 0, end: 0)
    var beforeThat = previous
    while true {
      let token = ahead.next(in: text)
      switch token.kind {
      case .leftParen, .leftBracket: depth += 1
      case .rightParen where depth == 0:
        return beforeThat.kind == .comma && isKeyword(previous, "true", in: text)
      case .rightParen, .rightBracket: depth -= 1
      case .end, .semicolon: return false
      default: break  // what an argument may hold
      }
      beforeThat = previous
      previous = token
    }
  }

  /// pg_advisory_lock, pg_advisory_lock_shared, pg_try_advisory_lock, pg_try_advisory_lock_shared, and what gives
  /// such locks back.
  private func inspectLock(
    _ text: Span<UInt8>, _ start: Int, _ length: Int, _ effects: inout SessionEffects
  ) {
    if matches(text, start, "pg_advisory_unlock") { return _ = effects.marks.insert(.pins) }
    if (matches(text, start, "pg_advisory_lock") && (length == 16 || length == 23))
      || (length >= 20 && matches(text, start, "pg_try_advisory_lock") && (length == 20 || length == 27))
    {
      effects.pins(.advisoryLock)
    }
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
