/// Splits a script into statements and COPY data while it arrives, in chunks of any size.
///
/// The pieces do not depend on the chunks. Memory is bound by the longest statement, or by
/// ``copyChunkSize`` for COPY data, and a chunk; the work is linear in the length of the script.
///
/// A statement ends at a semicolon outside parentheses and outside `BEGIN ATOMIC … END`, or at the end of the
/// script. Statements without a token (nothing, or comments only) are left out. Meta commands of psql are not
/// understood; the server will call them a syntax error. Source: Flyway 13, which does the same.
package struct ScriptSplitter: Sendable {
  /// The most bytes in one ``ScriptPiece/copyData(_:)``.
  package static let copyChunkSize = 64 * 1024

  enum Mode {
    /// Nothing was read: a byte order mark may come. → `between`
    case atStart
    /// Behind a statement or COPY data, in white space. → `statement`
    case between
    /// At `done` a statement with its leading comments begins. → `between`, `copyLine`
    case statement
    /// Behind the semicolon of a COPY at this place. → `copyData`
    case copyLine(copy: SourcePosition)
    /// In the data of the COPY at this place, at a line's start or within a long line. → `between`
    case copyData(copy: SourcePosition, lineEnd: UInt8, isAtLineStart: Bool)
  }

  /// The result of one step in a mode.
  enum Step {
    case piece(ScriptPiece)
    case changedMode
    case needsInput
  }

  var mode = Mode.atStart
  var buffer: [UInt8] = []
  /// Offset of `buffer[0]` in the script.
  private var origin = 0
  /// Up to here, in `buffer`, everything has been handed out.
  private(set) var done = 0
  /// The place of `done` in the script.
  private(set) var counter = PositionCounter()
  private(set) var isFinished = false
  /// Up to here, as an offset in the script, the current statement has been taken in.
  private var lexed = 0
  private var statement = StatementScan()
  /// How long the script must have grown before looking again is worth while.
  private var retryLength = 0

  package init() {}

  /// Takes more of the script.
  package mutating func append(_ bytes: [UInt8]) {
    // Moving the rest costs no more than what was handed out since the last time.
    if done > buffer.count - done {
      buffer.removeFirst(done)
      origin += done
      done = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// There is no more input.
  package mutating func finish() {
    isFinished = true
  }

  /// The next piece; nil when more input is needed, or after ``finish()`` at the end.
  ///
  /// - Throws: what is opened and never closed, once the input is finished. The same again if called again.
  package mutating func next() throws(ScriptError) -> ScriptPiece? {
    guard isFinished || origin + buffer.count >= retryLength else { return nil }
    while true {
      let step: Step =
        switch mode {
        case .atStart: skipByteOrderMark()
        case .between: skipWhiteSpace()
        case .statement: try nextStatement()
        case .copyLine(let copy): try skipCopyLine(copy: copy)
        case .copyData(let copy, let lineEnd, let isAtLineStart):
          try nextCopyData(copy: copy, lineEnd: lineEnd, isAtLineStart: isAtLineStart)
        }
      switch step {
      case .piece(let piece): return piece
      case .changedMode: continue
      case .needsInput: return nil
      }
    }
  }

  /// All pieces of a script that is at hand.
  package static func pieces(of script: [UInt8]) throws(ScriptError) -> [ScriptPiece] {
    var splitter = ScriptSplitter()
    splitter.append(script)
    splitter.finish()
    var pieces: [ScriptPiece] = []
    while let piece = try splitter.next() { pieces.append(piece) }
    return pieces
  }

  // MARK: Progress

  /// Everything before `index` of the buffer is handed out or dropped.
  mutating func consume(to index: Int) {
    let bytes = buffer
    counter.advance(over: bytes.span, from: done, to: index)
    done = index
  }

  /// Waits for more input. What begins at `index` must be read again from there, so not before it has grown
  /// by a quarter: then reading again and again stays linear, however small the chunks are.
  mutating func wait(from index: Int) -> Step {
    retryLength = origin + buffer.count + max(1, (buffer.count - index) / 4)
    return .needsInput
  }

  /// The place of a byte of the buffer that is not handed out yet.
  func position(at index: Int) -> SourcePosition {
    var counter = counter
    counter.advance(over: buffer.span, from: done, to: index)
    return counter.position
  }

  // MARK: Between statements

  private mutating func skipByteOrderMark() -> Step {
    if buffer.count < 3, !isFinished { return .needsInput }
    if isByteOrderMark(in: buffer.span, at: 0) { consume(to: 3) }
    mode = .between
    return .changedMode
  }

  private mutating func skipWhiteSpace() -> Step {
    var index = done
    while index < buffer.count {
      if buffer[index].isSpace {
        index += 1
      } else if buffer[index] == 0xC2, index + 1 < buffer.count, buffer[index + 1] == 0xA0 {
        index += 2
      } else {
        break
      }
    }
    consume(to: index)
    if index == buffer.count { return .needsInput }
    // Half of a no-break space?
    if buffer[index] == 0xC2, index + 1 == buffer.count, !isFinished { return .needsInput }
    lexed = origin + index
    mode = .statement
    return .changedMode
  }

  // MARK: Statements

  private mutating func nextStatement() throws(ScriptError) -> Step {
    let bytes = buffer
    let text = bytes.span
    var lexer = Lexer(offset: lexed - origin)
    while true {
      let token = lexer.next(in: text)
      if !isFinished, !lexer.isSettled(token, in: text) { return wait(from: lexed - origin) }
      switch token.kind {
      case .unterminatedString: throw .unterminatedString(opened: position(at: token.start))
      case .unterminatedIdentifier: throw .unterminatedIdentifier(opened: position(at: token.start))
      case .unterminatedComment: throw .unterminatedComment(opened: position(at: token.start))
      case .unterminatedDollar:
        let end = lexer.endOfDollarTag(in: text, at: token.start) ?? token.end
        let tag = String(decoding: buffer[token.start..<end].dropFirst().dropLast(), as: UTF8.self)
        throw .unterminatedDollarQuote(tag: tag, opened: position(at: token.start))
      case .end:
        if let opened = statement.parentheses.last {
          throw .unclosedParenthesis(opened: position(at: opened - origin))
        }
        if let opened = statement.atomicBlock {
          throw .unclosedAtomicBlock(opened: position(at: opened - origin))
        }
        return endStatement(at: token.start, next: token.end)
      case .semicolon where statement.isAtTopLevel:
        return endStatement(at: token.start, next: token.end)
      default:
        statement.take(token, in: text, origin: origin)
        lexed = origin + token.end
      }
    }
  }

  /// The statement from `done` to `end` is complete, and what follows it begins at `next`.
  private mutating func endStatement(at end: Int, next: Int) -> Step {
    defer { statement = StatementScan() }
    guard let firstToken = statement.firstToken else {
      consume(to: next)
      mode = .between
      return .changedMode
    }
    var last = end
    while last > done {
      if buffer[last - 1].isSpace {
        last -= 1
      } else if last - 2 >= done, buffer[last - 1] == 0xA0, buffer[last - 2] == 0xC2 {
        last -= 2
      } else {
        break
      }
    }
    let text = Array(buffer[done..<last])
    let textStart = counter.position
    consume(to: firstToken - origin)
    let start = counter.position
    consume(to: next)
    mode = statement.isCopyFromStdin ? .copyLine(copy: start) : .between
    return .piece(
      .statement(
        ScriptStatement(
          text: text, textStart: textStart, start: start, keywords: statement.keywords,
          isCopyFromStdin: statement.isCopyFromStdin, hasParameter: statement.hasParameter)))
  }
}
