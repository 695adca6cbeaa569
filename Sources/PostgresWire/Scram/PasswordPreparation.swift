/// A password as SCRAM hashes it: SASLprep (RFC 4013) as PostgreSQL applies it, as far as it goes here.
///
/// - ASCII passwords are themselves.
/// - Otherwise blanks of other scripts become a blank and what maps to nothing is dropped; when the outcome
///   is empty or holds a character that SASLprep prohibits or that Unicode 3.2 does not know, the password
///   is used as it is, as PostgreSQL does. Preparation never fails.
/// - Not done: normalization to NFKC, which the standard library does not offer, and the check for text in
///   two directions. A password that NFKC changes (say, one with a ligature, or with letters and accents as
///   separate characters) is hashed as written and will not match the hash of a PostgreSQL that composed it;
///   give the composed form.
package func preparedPassword(_ password: String) -> [UInt8] {
  let raw = Array(password.utf8)
  if raw.allSatisfy({ $0 < 0x80 }) { return raw }
  var prepared = String.UnicodeScalarView()
  for scalar in password.unicodeScalars where !isMappedToNothing(scalar) {
    let mapped = isOtherSpace(scalar) ? " " : scalar
    if isProhibited(mapped) { return raw }
    prepared.append(mapped)
  }
  return prepared.isEmpty ? raw : Array(String(prepared).utf8)
}

/// RFC 3454, table B.1.
private func isMappedToNothing(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200B...0x200D, 0x2060, 0xFE00...0xFE0F, 0xFEFF: true
  default: false
  }
}

/// RFC 3454, table C.1.2; of it, U+200B is mapped to nothing before.
private func isOtherSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: true
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
