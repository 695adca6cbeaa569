/// What a text stands for depends on settings at the moment it is parsed: a literal date on DateStyle, a literal's
/// bytes on client_encoding, where it ends on standard_conforming_strings. Statements are shared between clients
/// only where all of these are the same, which a number tells.
package struct ReadingTable: Sendable {
  private var numbers: [[SettingsImage.Setting]: UInt64] = [:]
  private var parts: [UInt64: [SettingsImage.Setting]] = [:]
  private var resolved: [UInt64] = []
  private var next: UInt64 = 1
  /// Clients choose the values, so what is remembered is bounded; beyond it nobody shares.
  private static let remembered = 4_096

  static let settings: Set<String> = [
    "array_nulls", "backslash_quote", "client_encoding", "datestyle", "intervalstyle", "lc_monetary",
    "standard_conforming_strings", "timezone", "timezone_abbreviations", "transform_null_equals", "xmloption",
  ]

  package init() {}

  /// The number of an image's part that counts; 0 when it has none.
  package mutating func number(of image: SettingsImage) -> UInt64 {
    let part = image.settings.filter { Self.settings.contains($0.name) }
    if part.isEmpty { return 0 }
    if let known = numbers[part] { return known }
    let number = unshared()
    if numbers.count < Self.remembered {
      numbers[part] = number
      parts[number] = part
    }
    return number
  }

  /// It has turned out what was set under a number of ``unshared()``.
  mutating func resolve(_ number: UInt64, as image: SettingsImage) {
    guard number != 0, parts[number] == nil else { return }
    // They are of use for as long as their clients keep statements from then; beyond a bound nobody asks.
    if resolved.count >= Self.remembered {
      for old in resolved { parts[old] = nil }
      resolved.removeAll(keepingCapacity: true)
    }
    resolved.append(number)
    parts[number] = image.settings.filter { Self.settings.contains($0.name) }
  }

  /// What a number stands for: the settings that are not as they are by default. `nil` when that is not known.
  func settings(of number: UInt64) -> [SettingsImage.Setting]? { number == 0 ? [] : parts[number] }

  /// A number that nobody else has: what is set is not known yet.
  package mutating func unshared() -> UInt64 {
    defer { next += 1 }
    return next
  }
}
