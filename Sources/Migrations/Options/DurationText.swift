/// Durations as users write them: a number and `ms s m h d`; a bare number is seconds.
package enum DurationText {
  /// Ten years: beyond it, arithmetic with clocks is no longer safe and nobody means it.
  private static let longest = 315_360_000_000.0

  /// - Returns: `nil` for what is no duration: no number, another unit, negative, longer than ten years.
  package static func milliseconds(_ text: String) -> UInt64? {
    let text = PropertiesFile.trim(text)
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let first = digits.first, first != ".", digits.last != ".", let number = Double(String(digits))
    else {
      return nil
    }
    let factor: Double
    switch PropertiesFile.trim(text.dropFirst(digits.count)) {
    case "ms": factor = 1
    case "", "s": factor = 1_000
    case "m": factor = 60_000
    case "h": factor = 3_600_000
    case "d": factor = 86_400_000
    default: return nil
    }
    let milliseconds = (number * factor).rounded()
    guard milliseconds <= longest else { return nil }
    // A limit that somebody set must not become "no limit" by rounding.
    return number > 0 ? max(1, UInt64(milliseconds)) : 0
  }
}
