package import SQLText

/// A script on its way from the file's bytes to statements: decoded, placeholders replaced, split. Bytes may come
/// in pieces of any size; memory grows with the longest statement only.
package struct ScriptReader: Sendable {
  private var decoder: TextDecoder
  private var replacer: PlaceholderReplacer?
  private var splitter = ScriptSplitter()

  /// - Parameter placeholders: nil leaves the text as it is.
  package init(_ encoding: TextEncoding, placeholders: Placeholders?) {
    decoder = TextDecoder(encoding)
    replacer = placeholders.map { PlaceholderReplacer($0) }
  }

  /// - Throws: `MigrationError.undecodable`, `.missingPlaceholder`, `.unknownBuiltInPlaceholder`.
  package mutating func append(_ bytes: [UInt8]) throws(MigrationError) {
    let text = try decoder.decode(bytes)
    splitter.append(try replacer?.replace(text) ?? text)
  }

  /// The file has ended. Throws as ``append(_:)``.
  package mutating func finish() throws(MigrationError) {
    try decoder.finish()
    if let rest = try replacer?.finish() { splitter.append(rest) }
    splitter.finish()
  }

  /// The next piece; nil: more bytes are needed, or, after ``finish()``, the script has ended.
  package mutating func next() throws(ScriptError) -> ScriptPiece? { try splitter.next() }
}
