/// What a text stands for depends on settings at the moment it is parsed: a literal date on DateStyle, a literal's
/// bytes on client_encoding, where it ends on standard_conforming_strings. Statements are shared between clients
/// only where all of these are the same, which a number tells.
package struct ReadingTable: Sendable {
  private var numbers: [[SettingsImage.Setting]: UInt64] = [:]
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
    if numbers.count < Self.remembered { numbers[part] = number }
    return number
  }

  /// A number that nobody else has: what is set is not known yet.
  package mutating func unshared() -> UInt64 {
    defer { next += 1 }
    return next
  }
}
