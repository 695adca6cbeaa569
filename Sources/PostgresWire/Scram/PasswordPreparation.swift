/// A password as SCRAM hashes it: SASLprep (RFC 4013) as PostgreSQL applies it.
///
/// - ASCII passwords are themselves.
/// - Otherwise blanks of other scripts become a blank, what maps to nothing is dropped, and the rest is composed
///   (NFKC). When nothing is left, or there is a character that SASLprep prohibits or that Unicode 3.2 does not know,
///   or text in two directions, the password is used as it is. Preparation never fails.
/// - As PostgreSQL does, and RFC 4013 does not, what is prohibited is looked for before the text is composed.
package func preparedPassword(_ password: String) -> [UInt8] {
  let raw = Array(password.utf8)
  if raw.allSatisfy({ $0 < 0x80 }) { return raw }
  var mapped: [Unicode.Scalar] = []
  for scalar in password.unicodeScalars {
    if isOtherSpace(scalar) {
      mapped.append(" ")
    } else if !isMappedToNothing(scalar) {
      mapped.append(scalar)
    }
  }
  guard !mapped.isEmpty, !mapped.contains(where: { isProhibited($0) }), isOneWay(mapped) else { return raw }
  var prepared = String.UnicodeScalarView()
  prepared.append(contentsOf: Normalization.compatiblyComposed(mapped))
  return Array(String(prepared).utf8)
}

/// RFC 3454, section 6: what is written from right to left begins and ends so, with nothing that is written from left
/// to right in it.
private func isOneWay(_ text: [Unicode.Scalar]) -> Bool {
  guard text.contains(where: { Directions.rightToLeft.contains($0) }) else { return true }
  guard let first = text.first, let last = text.last else { return true }
  return Directions.rightToLeft.contains(first) && Directions.rightToLeft.contains(last)
    && !text.contains(where: { Directions.leftToRight.contains($0) })
}

private enum Directions {
  static let rightToLeft = ScalarRanges(rightToLeftRanges)
  static let leftToRight = ScalarRanges(leftToRightRanges)
}

/// Ranges of characters, in their order.
private struct ScalarRanges {
  private let ranges: [ClosedRange<UInt32>]

  init(_ table: StaticString) {
    ranges = Normalization.words(table).compactMap { word in
      let ends = word.split(separator: "-").compactMap { Normalization.hex($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return nil }
      return first...last
    }
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(scalar.value)
  }
}

/// RFC 3454, table B.1.
private func isMappedToNothing(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200C...0x200D, 0x2060, 0xFE00...0xFE0F, 0xFEFF: true
  default: false
  }
}

/// RFC 3454, table C.1.2, which goes before table B.1.
private func isOtherSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0xA0, 0x1680, 0x2000...0x200B, 0x202F, 0x205F, 0x3000: true
  default: false
  }
}

/// RFC 4013, section 2.3 and 2.5: controls, private use, surrogates, noncharacters, what is not plain text,
/// what changes the display, tags, and code points that Unicode 3.2 has not assigned.
private func isProhibited(_ scalar: Unicode.Scalar) -> Bool {
  let properties = scalar.properties
  if properties.isNoncharacterCodePoint { return true }
  switch properties.generalCategory {
  case .control, .privateUse, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: return true
  default: break  // the other categories are judged by the tables below
  }
  switch scalar.value {
  case 0x340, 0x341, 0x6DD, 0x70F, 0x180E, 0x200E, 0x200F, 0x202A...0x202E, 0x2061...0x2063, 0x206A...0x206F,
    0x2FF0...0x2FFB, 0xFFF9...0xFFFD, 0x1D173...0x1D17A, 0xE0001, 0xE0020...0xE007F:
    return true
  default: break
  }
  guard let age = properties.age else { return true }
  return (age.major, age.minor) > (3, 2)
}
