/// Unicode's normalization form KC of text of Unicode 3.2's characters: what SASLprep wants, and what the standard
/// library does not offer. The tables are read when a password first needs them.
///
/// Source: Unicode Standard Annex #15; the Unicode Standard, sections 3.11 and 3.12.
enum Normalization {
  static func compatiblyComposed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    compose(ordered(text.flatMap { decomposed($0) }))
  }

  // MARK: Steps

  private static func decomposed(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    if let syllable = Hangul.parts(of: scalar) { return syllable }
    return decompositions[scalar] ?? [scalar]
  }

  /// Marks behind a letter in the order of their classes; marks of one class stay as they are.
  private static func ordered(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text {
      let own = combiningClass(scalar)
      var place = result.count
      while own != 0, place > 0, combiningClass(result[place - 1]) > own { place -= 1 }
      result.insert(scalar, at: place)
    }
    return result
  }

  private static func compose(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var starter: Int?
    for scalar in text {
      let own = combiningClass(scalar)
      if let starter {
        // Something between the letter and a mark of no higher class keeps them apart.
        let isNext = starter == result.count - 1
        let isFree = isNext || (combiningClass(result[result.count - 1]) < own)
        if isFree, let composite = composite(result[starter], scalar) {
          result[starter] = composite
          continue
        }
      }
      if own == 0 { starter = result.count }
      result.append(scalar)
    }
    return result
  }

  private static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    Hangul.composite(first, second) ?? compositions[Pair(first: first, second: second)]
  }

  private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    scalar.properties.canonicalCombiningClass.rawValue
  }

  // MARK: Tables

  private struct Pair: Hashable {
    let first: Unicode.Scalar
    let second: Unicode.Scalar
  }

  private static let decompositions: [Unicode.Scalar: [Unicode.Scalar]] = {
    var table: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    var next: UInt32 = 0
    for entry in words(unicodeDecompositions) {
      let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let counts = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { hex($0) ?? 0 }
      let first = next + (counts.first ?? 0)
      let more = counts.count > 1 ? counts[1] : 0
      let mapped = parts[1].split(separator: ",").compactMap { hex($0) }
      for step in 0...more {
        guard let scalar = Unicode.Scalar(first + step) else { continue }
        table[scalar] = mapped.compactMap { Unicode.Scalar($0 + step) }
      }
      next = first + more + 1
    }
    return table
  }()

  private static let compositions: [Pair: Unicode.Scalar] = {
    var table: [Pair: Unicode.Scalar] = [:]
    for entry in words(unicodeCompositions) {
      let scalars = entry.split(separator: ",").compactMap { hex($0).flatMap { Unicode.Scalar($0) } }
      guard scalars.count == 3 else { continue }
      table[Pair(first: scalars[0], second: scalars[1])] = scalars[2]
    }
    return table
  }()

  static func words(_ table: StaticString) -> [Substring] { table.description.split(separator: " ") }

  static func hex(_ text: Substring) -> UInt32? { UInt32(text, radix: 16) }
}

/// Korean syllables, whose parts are a matter of arithmetic. Source: the Unicode Standard, section 3.12.
private enum Hangul {
  private static let (syllables, leads, vowels, tails): (UInt32, UInt32, UInt32, UInt32) = (
    0xAC00, 0x1100, 0x1161, 0x11A7
  )
  private static let (leadCount, vowelCount, tailCount): (UInt32, UInt32, UInt32) = (19, 21, 28)

  static func parts(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
    guard scalar.value >= syllables, scalar.value < syllables + leadCount * vowelCount * tailCount else {
      return nil
    }
    let number = scalar.value - syllables
    let tail = number % tailCount
    return [
      leads + number / (vowelCount * tailCount), vowels + number % (vowelCount * tailCount) / tailCount,
      tail > 0 ? tails + tail : 0,
    ].filter { $0 > 0 }.compactMap { Unicode.Scalar($0) }
  }

  static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    let (one, two) = (first.value, second.value)
    if (leads..<leads + leadCount).contains(one), (vowels..<vowels + vowelCount).contains(two) {
      return Unicode.Scalar(syllables + ((one - leads) * vowelCount + two - vowels) * tailCount)
    }
    let isOpen =
      (syllables..<syllables + leadCount * vowelCount * tailCount).contains(one)
      && (one - syllables) % tailCount == 0
    guard isOpen, (tails + 1..<tails + tailCount).contains(two) else { return nil }
    return Unicode.Scalar(one + two - tails)
  }
}
