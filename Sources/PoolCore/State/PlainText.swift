/// A first look at the text of a simple Query: is it one plain statement, as nearly all are?
///
/// What it calls plain, ``EffectScanner`` finds no effects in; in doubt it leaves the text to that. It knows just enough
/// of the lexical rules for one pass over the bytes that compares few words, since every simple Query goes through here.
package enum PlainText {
  package enum Verdict: Equatable { case unknown, plain, insert }

  package static func look(_ text: Span<UInt8>) -> Verdict {
    var offset = 0
    while offset < text.count, isSpace(text[offset]) { offset += 1 }
    let first = offset
    while offset < text.count, isWord(text[offset]) { offset += 1 }
    guard let verdict = verdict(ofFirst: packed(text, first, offset)) else { return .unknown }
    // The word that ended last, and whether nothing but space stands behind it.
    var (start, end) = (first, offset)
    // The word before it, where nothing but space is between the two.
    var (leadStart, leadEnd) = (0, 0)
    var isBehindWord = true
    while offset < text.count {
      let byte = text[offset]
      if isWordStart(byte) {
        (leadStart, leadEnd) = isBehindWord ? (start, end) : (0, 0)
        start = offset
        offset &+= 1
        while offset < text.count, isWord(text[offset]) { offset &+= 1 }
        end = offset
        isBehindWord = true
        if mayBeSuspect(byte), isSuspect(text, start, end) { return .unknown }
        continue
      }
      offset &+= 1
      if isSpace(byte) { continue }
      switch byte {
      case UInt8(ascii: "("):
        let isOfInto = leadEnd - leadStart == 4 && packed(text, leadStart, leadEnd) == Word.into
        if isBehindWord, !isOfInto, !KnownCalls.contains(text, from: start, to: end) { return .unknown }
      case UInt8(ascii: "'"):
        // E'…', U&'…' and their like are not for here.
        if isBehindWord, end == offset - 1 { return .unknown }
        while offset < text.count, text[offset] != UInt8(ascii: "'") {
          if text[offset] == UInt8(ascii: "\\") { return .unknown }
          offset += 1
        }
        if offset == text.count { return .unknown }
        offset += 1
      case UInt8(ascii: "\""), UInt8(ascii: "$"), UInt8(ascii: "&"): return .unknown
      case UInt8(ascii: "-"), UInt8(ascii: "/"):
        if offset < text.count, text[offset] == byte || text[offset] == UInt8(ascii: "*") { return .unknown }
      case UInt8(ascii: ";"):
        while offset < text.count {
          if !isSpace(text[offset]) { return .unknown }
          offset += 1
        }
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        while offset < text.count, isDigit(text[offset]) { offset &+= 1 }
        // 1e6, 0x1F, or a word at once.
        if offset < text.count, isWord(text[offset]) { return .unknown }
      default: break  // operators and the rest
      }
      isBehindWord = false
    }
    return verdict
  }

  private static func verdict(ofFirst word: UInt64) -> Verdict? {
    switch word {
    case Word.select, Word.update, Word.delete, Word.begin, Word.commit, Word.end, Word.rollback, Word.show,
      Word.values, Word.with:
      .plain
    case Word.insert: .insert
    default: nil
    }
  }

  /// Whether the full scan looks at such words: nextval, insert, set_config, setval, setseed, lastval, currval, temp,
  /// temporary, and all that begins with pg_.
  @inline(__always)
  private static func isSuspect(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end - start >= 4 else { return false }
    let lead =
      UInt32(text[start] | 0x20) << 16 | UInt32(text[start + 1] | 0x20) << 8 | UInt32(text[start + 2] | 0x20)
    switch lead {
    case Lead.temp: return true
    case Lead.nextval, Lead.insert, Lead.set, Lead.lastval, Lead.currval: return end - start >= 6
    // "_" with the bit of small letters is DEL.
    default: return lead & 0xFF_FF00 == Lead.pg && text[start + 2] == UInt8(ascii: "_")
    }
  }

  /// Whether such a word begins with this letter, or what looks like one.
  @inline(__always)
  private static func mayBeSuspect(_ byte: UInt8) -> Bool {
    // c, i, l, n, p, s and t; of what is no letter the scan decides.
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return letter > 25 || 0b1100_1010_1001_0000_0100 >> UInt32(letter) & 1 != 0
  }

  private enum Lead {
    static let temp: UInt32 = 0x74_65_6D
    static let nextval: UInt32 = 0x6E_65_78
    static let insert: UInt32 = 0x69_6E_73
    static let set: UInt32 = 0x73_65_74
    static let lastval: UInt32 = 0x6C_61_73
    static let currval: UInt32 = 0x63_75_72
    static let pg: UInt32 = 0x70_67_00
  }

  /// Words of at most eight letters as numbers: the first letter in the highest byte that is used.
  private enum Word {
    static let select: UInt64 = 0x73656C656374
    static let update: UInt64 = 0x757064617465
    static let delete: UInt64 = 0x64656C657465
    static let insert: UInt64 = 0x696E73657274
    static let begin: UInt64 = 0x626567696E
    static let commit: UInt64 = 0x636F6D6D6974
    static let end: UInt64 = 0x656E64
    static let rollback: UInt64 = 0x726F6C6C6261636B
    static let show: UInt64 = 0x73686F77
    static let values: UInt64 = 0x76616C756573
    static let with: UInt64 = 0x77697468
    static let into: UInt64 = 0x696E746F
  }

  /// 0 for what is empty or longer than eight bytes, or holds anything but letters.
  private static func packed(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
    guard end - start <= 8 else { return 0 }
    var word: UInt64 = 0
    for offset in start..<end {
      let byte = text[offset] | 0x20
      guard byte >= UInt8(ascii: "a"), byte <= UInt8(ascii: "z") else { return 0 }
      word = word << 8 | UInt64(byte)
    }
    return word
  }

  @inline(__always)
  private static func isWordStart(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_") || byte >= 0x80
  }

  @inline(__always)
  private static func isWord(_ byte: UInt8) -> Bool {
    isWordStart(byte) || isDigit(byte) || byte == UInt8(ascii: "$")
  }

  @inline(__always)
  private static func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10
  }

  @inline(__always)
  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 0x09 < 5 }
}
