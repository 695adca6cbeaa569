/// Looks for what touches session state in texts that are too long to be kept, piece by piece and in bounded memory.
///
/// It knows words only, no quotes, and so suspects more than ``EffectScanner`` does, never less: a literal that holds
/// `set_config` counts, as does a statement's first word behind a semicolon within quotes.
package struct LongTextWatch: Sendable {
  /// The text may touch its session's state.
  package private(set) var isSuspect = false

  /// The current word so far, lower case. No word that counts is longer than this keeps.
  private var word: [UInt8] = []
  private var isWordCut = false
  /// The word began where a statement may begin.
  private var isLeading = true
  /// A statement may begin here: at the start, behind a semicolon, behind a comment.
  private var mayBegin = true
  private var lastByte: UInt8 = 0
  private var isInLineComment = false

  package init() {}

  /// Reads the next piece.
  package mutating func read(_ bytes: Span<UInt8>) {
    if isSuspect { return }
    for offset in 0..<bytes.count { read(bytes[offset]) }
  }

  /// The text has ended.
  package mutating func end() { endWord(before: 0x3B) }

  @inline(__always)
  private mutating func read(_ byte: UInt8) {
    if Self.isWordPart(byte) {
      if word.isEmpty, !isWordCut {
        isLeading = mayBegin
        mayBegin = false
      }
      if word.count < Self.longest {
        word.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
      } else {
        isWordCut = true
      }
    } else {
      if !word.isEmpty { endWord(before: byte) }
      switch byte {
      case 0x3B: mayBegin = true
      // The end of a block comment, or a division, which nothing of ours can follow.
      case 0x2F: mayBegin = true
      case 0x2D:
        if lastByte == 0x2D { isInLineComment = true }
        mayBegin = false
      case 0x0A, 0x0D:
        if isInLineComment { mayBegin = true }
        isInLineComment = false
      case 0x20, 0x09, 0x0B, 0x0C: break
      default: mayBegin = false  // any other byte of a text
      }
    }
    lastByte = byte
  }

  private mutating func endWord(before byte: UInt8) {
    defer {
      word.removeAll(keepingCapacity: true)
      isWordCut = false
    }
    guard !isWordCut else { return }
    if isLeading, Self.leading.contains(word) { isSuspect = true }
    if Self.anywhere.contains(word) || Self.prefixes.contains(where: { word.starts(with: $0) }) {
      isSuspect = true
    }
    // U&"\0073et_config"
    if byte == 0x26, word == [0x75] { isSuspect = true }
  }

  private static func isWordPart(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
      || byte == 0x5F || byte == 0x24
  }

  private static let longest = 32

  private static let leading: Set<[UInt8]> = words(
    "set", "reset", "listen", "unlisten", "notify", "load", "prepare", "execute", "deallocate", "discard",
    "declare", "close", "do", "drop")

  private static let anywhere: Set<[UInt8]> = words(
    "set_config", "setseed", "lastval", "currval", "temp", "temporary", "pg_temp", "pg_notify")

  private static let prefixes: Set<[UInt8]> = words("pg_advisory_", "pg_try_advisory_")

  private static func words(_ words: String...) -> Set<[UInt8]> { Set(words.map { Array($0.utf8) }) }
}
