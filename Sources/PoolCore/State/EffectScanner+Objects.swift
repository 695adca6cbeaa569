import SQLText

// What makes or ends objects of a session: temporary ones, cursors, prepared statements, code in quotes.

extension EffectScanner {
  mutating func scanC(_ first: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    if isKeyword(first, "create", in: text) { return scanCreate(text, &effects) }
    if isKeyword(first, "close", in: text) { effects.marks.insert(.pins) }
    scanRest(after: first, text, &effects)
  }

  /// CREATE [OR REPLACE] [GLOBAL | LOCAL] { TEMP | TEMPORARY } …
  mutating func scanCreate(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var token = lexer.next(in: text)
    for word in ["or", "replace", "global", "local"] where isKeyword(token, word, in: text) {
      token = lexer.next(in: text)
    }
    noteDefinition(token, text, &effects)
    guard isKeyword(token, "temp", in: text) || isKeyword(token, "temporary", in: text) else {
      return scanRest(after: token, text, &effects)
    }
    // With ON COMMIT DROP it ends with its transaction.
    var isDropped = false
    var afterCommit = false
    while !isEnd(token) {
      if afterCommit, isKeyword(token, "drop", in: text) { isDropped = true }
      afterCommit = isKeyword(token, "commit", in: text)
      inspect(token, text, &effects)
      token = lexer.next(in: text)
    }
    if !isDropped { effects.pins(.temporaryObject) }
  }

  /// What follows CREATE, ALTER or DROP.
  func noteDefinition(_ token: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    for word in ["function", "procedure", "routine", "extension", "schema"]
    where isKeyword(token, word, in: text) {
      effects.changesFunctions = true
    }
  }

  /// DECLARE … CURSOR WITH HOLD …
  mutating func scanDeclare(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var previousWasWith = false
    while true {
      let token = lexer.next(in: text)
      if isEnd(token) { return }
      if previousWasWith, isKeyword(token, "hold", in: text) { effects.pins(.heldCursor) }
      previousWasWith = isKeyword(token, "with", in: text)
      inspect(token, text, &effects)
    }
  }

  /// DEALLOCATE [PREPARE] { name | ALL }; what ALL does is told by its command tag.
  mutating func scanDeallocate(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var token = lexer.next(in: text)
    if isKeyword(token, "prepare", in: text) {
      let next = lexer.next(in: text)
      // Or a statement of that name.
      if isEnd(next) {
        deallocates(token, text, &effects)
        return
      }
      token = next
    }
    if isEnd(token) { return }
    if !isKeyword(token, "all", in: text) { deallocates(token, text, &effects) }
    skipStatement(text)
  }

  private func deallocates(_ token: Token, _ text: Span<UInt8>, _ effects: inout SessionEffects) {
    guard let name = statementName(token, text) else { return }
    effects.marks.insert(.names)
    effects.deallocates(name)
  }

  /// The bytes of a prepared statement's name, folded and cut as the server does; `nil` for what is no name.
  func statementName(_ token: Token, _ text: Span<UInt8>) -> [UInt8]? {
    guard token.kind == .word || token.kind == .quotedIdentifier else { return nil }
    var name: [UInt8] = []
    let isQuoted = token.kind == .quotedIdentifier
    var offset = isQuoted ? token.start + 1 : token.start
    let end = isQuoted ? token.end - 1 : token.end
    while offset < end, name.count < 63 {
      let byte = text[offset]
      let isUpper = !isQuoted && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      name.append(isUpper ? byte | 0x20 : byte)
      offset += isQuoted && byte == UInt8(ascii: "\"") ? 2 : 1
    }
    return name
  }

  // MARK: DO

  /// DO: its body is code, and what it sets stays.
  mutating func scanBlock(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    while true {
      let token = lexer.next(in: text)
      if isEnd(token) { return }
      guard token.kind == .dollarString || token.kind == .string || token.kind == .escapeString else {
        continue
      }
      let opening = bodyOffset(token, text)
      var body = EffectScanner(from: token.start + opening)
      body.scanBody(text.extracting(0..<max(token.start + opening, token.end - opening)), &effects)
    }
  }

  private func bodyOffset(_ token: Token, _ text: Span<UInt8>) -> Int {
    guard token.kind == .dollarString else { return token.kind == .escapeString ? 2 : 1 }
    var offset = token.start + 1
    while offset < token.end, text[offset] != UInt8(ascii: "$") { offset += 1 }
    return offset + 1 - token.start
  }

  /// Code in PL/pgSQL, which has statements anywhere: every word counts.
  mutating func scanBody(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var calls = CallFinder()
    while true {
      let word = lexer.next(in: text)
      if word.kind == .end { return }
      if let name = calls.follow(word, text) { called(name, text, &effects) }
      guard word.kind == .word || word.kind == .quotedIdentifier else { continue }
      if isKeyword(word, "set", in: text) || isKeyword(word, "reset", in: text) {
        effects.marks.insert(.settings)
        // Names with a dot are not among those that the server lists.
        recordCustom(text, &effects)
      } else if isKeyword(word, "execute", in: text) {
        // Of a text that is made at run time.
        effects.marks.formUnion(.anything)
      } else if isKeyword(word, "temp", in: text) || isKeyword(word, "temporary", in: text) {
        effects.pins(.temporaryObject)
      } else if isKeyword(word, "listen", in: text) {
        effects.marks.insert(.channels)
      } else if isKeyword(word, "prepare", in: text) || isKeyword(word, "deallocate", in: text) {
        effects.marks.insert(.names)
      } else {
        inspect(word, text, &effects)
      }
    }
  }

  private func recordCustom(_ text: Span<UInt8>, _ effects: inout SessionEffects) {
    var ahead = lexer
    var name = ahead.next(in: text)
    if isKeyword(name, "session", in: text) { name = ahead.next(in: text) }
    guard name.kind == .word || name.kind == .quotedIdentifier else { return }
    var full = identifier(name, text)
    guard ahead.next(in: text).kind == .dot else { return }
    full += "." + identifier(ahead.next(in: text), text)
    effects.sets(full)
  }
}
