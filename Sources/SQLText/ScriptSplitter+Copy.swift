/// The data of `COPY … FROM STDIN`: from the line after the statement to a line that, trimmed, is `\.`.
extension ScriptSplitter {
  /// Passes the rest of the statement's own line, where only comments may stand.
  ///
  /// Its end tells which byte ends lines: `\n` unless the script has lone `\r`. A `\r` inside a line is then
  /// data, as in a quoted CSV value.
  mutating func skipCopyLine(copy: SourcePosition) throws(ScriptError) -> Step {
    var end = done
    while end < buffer.count, !buffer[end].isNewline { end += 1 }
    if !isFinished, end == buffer.count || (buffer[end] == 0x0D && end + 1 == buffer.count) {
      return wait(from: done)
    }
    var lexer = Lexer()
    let token = lexer.next(in: buffer.span.extracting(done..<end))
    if token.kind != .end { throw .textAfterCopy(at: position(at: done + token.start)) }
    if end == buffer.count { throw copyWithoutEnd(copy: copy) }

    let isLoneReturn = buffer[end] == 0x0D && !(end + 1 < buffer.count && buffer[end + 1] == 0x0A)
    let lineEnd: UInt8 = isLoneReturn ? 0x0D : 0x0A
    consume(to: buffer[end] == lineEnd ? end + 1 : end + 2)
    mode = .copyData(copy: copy, lineEnd: lineEnd, isAtLineStart: true)
    return .changedMode
  }

  /// The data up to the last whole line within ``copyChunkSize`` bytes, or the end of the data. Where it is
  /// cut depends on the data alone, not on the chunks in which it came.
  mutating func nextCopyData(
    copy: SourcePosition, lineEnd: UInt8, isAtLineStart: Bool
  ) throws(ScriptError) -> Step {
    let windowEnd = min(buffer.count, done + ScriptSplitter.copyChunkSize)
    let isFull = windowEnd - done == ScriptSplitter.copyChunkSize
    var line = done
    var canBeEnd = isAtLineStart
    while true {
      var end = line
      while end < windowEnd, buffer[end] != lineEnd { end += 1 }
      let isWhole = end < windowEnd
      if !isWhole {
        if isFull {
          // A line longer than the window is handed out in parts.
          return line > done
            ? copyData(to: line, isAtLineStart: true) : copyData(to: windowEnd, isAtLineStart: false)
        }
        if !isFinished { return wait(from: done) }
      }
      if canBeEnd, isEndMarker(from: line, to: end) {
        return line > done ? copyData(to: line, isAtLineStart: true) : copyEnd(next: isWhole ? end + 1 : end)
      }
      if !isWhole { throw copyWithoutEnd(copy: copy) }
      line = end + 1
      canBeEnd = true
    }
  }

  private mutating func copyData(to end: Int, isAtLineStart: Bool) -> Step {
    let data = Array(buffer[done..<end])
    consume(to: end)
    if case .copyData(let copy, let lineEnd, _) = mode {
      mode = .copyData(copy: copy, lineEnd: lineEnd, isAtLineStart: isAtLineStart)
    }
    return .piece(.copyData(data))
  }

  private mutating func copyEnd(next: Int) -> Step {
    let line = counter.position.line
    consume(to: next)
    mode = .between
    return .piece(.copyEnd(line: line))
  }

  private func isEndMarker(from start: Int, to end: Int) -> Bool {
    var first = start
    var last = end
    while first < last, buffer[first].isSpace { first += 1 }
    while last > first, buffer[last - 1].isSpace { last -= 1 }
    return last - first == 2 && buffer[first] == 0x5C && buffer[first + 1] == 0x2E
  }

  private func copyWithoutEnd(copy: SourcePosition) -> ScriptError {
    let end = position(at: buffer.count)
    return .copyWithoutEnd(copy: copy, lastLine: end.column == 1 ? max(1, end.line - 1) : end.line)
  }
}
