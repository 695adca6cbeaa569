package import SQLText

/// Whether a script may have let the migrator's lock go, or written into the history table: then nothing that was
/// known before holds any more. It answers by the script's words, so a comment may make it say yes for nothing.
package struct GuardWatch: Sendable {
  /// Scripts of more text than this are not searched but taken to do it: asking again costs them nothing.
  package static let largestScript = 1 << 20

  private let needles: [[UInt8]]
  private var size = 0

  package private(set) var mayBeGone = false

  package init(historyTable: String) {
    needles = ["advisory_unlock", historyTable.lowercased()].filter { !$0.isEmpty }.map { Array($0.utf8) }
  }

  package mutating func look(at statement: ScriptStatement) {
    guard !mayBeGone else { return }
    size += statement.text.count
    mayBeGone =
      size > Self.largestScript || statement.keywords.first == "DISCARD"
      || needles.contains { Self.contains($0, in: statement.text.span) }
  }

  /// In any case of the ASCII letters.
  private static func contains(_ needle: [UInt8], in text: Span<UInt8>) -> Bool {
    guard text.count >= needle.count else { return false }
    for start in 0...(text.count - needle.count) where lower(text[start]) == needle[0] {
      var index = 1
      while index < needle.count, lower(text[start + index]) == needle[index] { index += 1 }
      if index == needle.count { return true }
    }
    return false
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
