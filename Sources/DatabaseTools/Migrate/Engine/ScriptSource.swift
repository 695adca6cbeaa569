import LibPQ
import Migrations
import SQLText

/// Where a script's text comes from, and how it is read.
struct ScriptSource {
  let path: String
  let absolutePath: String
  let encoding: TextEncoding
  /// Nil: nothing is replaced.
  let placeholders: Placeholders?
  /// Keeps a small script for its run.
  var memory: ScriptMemory?

  /// As ``forEachPiece(_:)``, keeping a script that is small for the next call.
  func look(_ body: (ScriptPiece) throws(MigrationFailure) -> Void) throws(MigrationFailure) {
    var pieces: [ScriptPiece] = []
    var size = 0
    try readPieces { (piece) throws(MigrationFailure) in
      size += piece.size
      if size <= ScriptMemory.largestScript { pieces.append(piece) } else { pieces = [] }
      try body(piece)
    }
    if size <= ScriptMemory.largestScript { memory?.keep(absolutePath, pieces, size: size) }
  }

  /// Hands over each piece of the script, from end to end; memory grows with one statement at most.
  func forEachPiece(
    _ body: (ScriptPiece) throws(MigrationFailure) -> Void
  ) throws(MigrationFailure) {
    guard let pieces = memory?.take(absolutePath) else { return try readPieces(body) }
    for piece in pieces { try body(piece) }
  }

  private func readPieces(
    _ body: (ScriptPiece) throws(MigrationFailure) -> Void
  ) throws(MigrationFailure) {
    var reader = ScriptReader(encoding, placeholders: placeholders)
    func drain() throws(MigrationFailure) {
      while true {
        let piece: ScriptPiece?
        do throws(ScriptError) { piece = try reader.next() } catch { throw failure(for: error) }
        guard let piece else { return }
        try body(piece)
      }
    }
    do {
      try LocalFile.stream(absolutePath) { (chunk) throws(MigrationFailure) in
        do throws(MigrationError) { try reader.append(copy chunk) } catch { throw failure(for: error) }
        try drain()
      }
    } catch {
      switch error {
      case .unreadable(let failure): throw MigrationFailure(failure)
      case .body(let failure): throw failure
      }
    }
    do throws(MigrationError) { try reader.finish() } catch { throw failure(for: error) }
    try drain()
  }

  // MARK: - Places

  /// The place in the file of a byte of the replaced text, with the line it stands on.
  func place(ofReplaced offset: Int) -> (Failure.Place, Failure.Excerpt)? {
    guard let text = decoded() else { return nil }
    var original = offset
    if let placeholders {
      var replacer = PlaceholderReplacer(placeholders, keepsMap: true)
      if (try? replacer.replace(text)) != nil { original = replacer.map.original(of: offset) }
    }
    return place(ofOriginal: original, in: text)
  }

  /// The start of a line of the file, from 1.
  func place(ofLine line: Int) -> (Failure.Place, Failure.Excerpt)? {
    guard let text = decoded() else { return nil }
    var current = 1
    for (index, byte) in text.enumerated() {
      if current == line { return place(ofOriginal: index, in: text) }
      if byte == 0x0A { current += 1 }
    }
    return place(ofOriginal: text.count, in: text)
  }

  private func place(ofOriginal offset: Int, in text: [UInt8]) -> (Failure.Place, Failure.Excerpt) {
    let excerpt = SourceExcerpt(of: text.span, at: offset, width: 96)
    return (
      Failure.Place(file: path, line: excerpt.line, column: excerpt.column),
      Failure.Excerpt(text: excerpt.text, caretColumn: excerpt.caret.unicodeScalars.count)
    )
  }

  /// Only for error messages: the whole file.
  private func decoded() -> [UInt8]? {
    guard let bytes = try? LocalFile.bytes(of: absolutePath) else { return nil }
    var decoder = TextDecoder(encoding)
    return try? decoder.decode(bytes)
  }

  // MARK: - Failures

  private func failure(for error: ScriptError) -> MigrationFailure {
    var failure = Failure(error.message, hint: error.hint)
    if let (place, excerpt) = place(ofReplaced: error.position.offset) {
      failure.place = place
      failure.excerpt = excerpt
    }
    var result = MigrationFailure(
      code: .error, message: unparseable(error.position.line, error.position.column) + error.message,
      failure: failure)
    if error.isSyntaxError {
      // Flyway sends what is never closed, and the server refuses it: a failed statement.
      let refusal = ServerError(sqlState: "42601", message: error.message)
      result.message = refusal.flywayReport(
        title: "Failed to execute script \(LocalPath.name(of: absolutePath))", location: path,
        absolutePath: absolutePath, line: error.position.line)
      result.sqlState = refusal.sqlState
      result.line = error.position.line
      result.path = absolutePath
      result.causes = [refusal.flywayText]
    }
    return result
  }

  private func failure(for error: MigrationError) -> MigrationFailure {
    var failure = Failure(error)
    failure.place = Failure.Place(file: path)
    if case .missingPlaceholder(let written) = error, let (place, excerpt) = place(ofText: written) {
      failure.place = place
      failure.excerpt = excerpt
    }
    var result = MigrationFailure(code: .error, message: unparseable(1, 1) + error.message, failure: failure)
    result.causes = [error.message]
    return result
  }

  private func place(ofText written: String) -> (Failure.Place, Failure.Excerpt)? {
    guard let text = decoded() else { return nil }
    let sought = Array(written.utf8)
    guard let first = sought.first else { return nil }
    var index = 0
    while let next = text[index...].firstIndex(of: first) {
      if text[next...].starts(with: sought) { return place(ofOriginal: next, in: text) }
      index = next + 1
    }
    return nil
  }

  private func unparseable(_ line: Int, _ column: Int) -> String {
    "Unable to parse statement in \(path) at line \(line) col \(column)."
      + " See the documentation of script splitting for more information. "
  }
}
