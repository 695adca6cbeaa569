/// The character classes of PostgreSQL's scanner (scan.l), on bytes. Every byte from 0x80 on is a letter,
/// whatever character it is part of.
extension UInt8 {
  /// `space`: the vertical tab counts from PostgreSQL 16 on; before it could begin no token.
  @inline(__always)
  var isSpace: Bool { self == 0x20 || (self >= 0x09 && self <= 0x0D) }

  /// `newline`.
  @inline(__always)
  var isNewline: Bool { self == 0x0A || self == 0x0D }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// `ident_start`, and `dolq_start` too.
  @inline(__always)
  var isIdentifierStart: Bool { isASCIILetter || self >= 0x80 || self == 0x5F }

  /// `ident_cont`: a `$` is part of an identifier that has begun.
  ///
  /// One bit for each ASCII character, since most bytes of most queries pass here: a chain of comparisons
  /// mispredicts its branches.
  @inline(__always)
  var isIdentifierPart: Bool {
    let bits: UInt64 = self & 0x40 == 0 ? 0x03FF_0010_0000_0000 : 0x07FF_FFFE_87FF_FFFE
    return self >= 0x80 || (bits &>> UInt64(self & 0x3F)) & 1 != 0
  }

  /// `dolq_cont`: what the tag of a dollar quote goes on with.
  @inline(__always)
  var isTagPart: Bool { isIdentifierStart || isDigit }

  /// `op_chars`: `~ ! @ # ^ & | ` ? + - * / % < > =`.
  @inline(__always)
  var isOperator: Bool {
    switch self {
    case 0x2A, 0x2B, 0x2D, 0x2F, 0x3C, 0x3D, 0x3E: true
    default: isSpecialOperator
    }
  }

  /// The operator characters that allow an operator to end in `+` or `-` (manual, 4.1.3 Operators).
  @inline(__always)
  var isSpecialOperator: Bool {
    switch self {
    case 0x21, 0x23, 0x25, 0x26, 0x3F, 0x40, 0x5E, 0x60, 0x7C, 0x7E: true
    default: false
    }
  }
}
