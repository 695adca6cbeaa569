/// A template whose texts match a regular expression, for the simple ones that checks hold: characters, classes,
/// groups, repetition. Digits become the row's number where the expression leaves room for one.
struct PatternSample {
  private let pattern: [Character]
  private var next = 0
  private var hasNumber = false
  private var result = ""

  /// Nil when the expression has something that is not understood.
  static func template(_ pattern: String) -> (text: String, hasNumber: Bool)? {
    var sample = PatternSample(pattern: Array(pattern))
    guard sample.sequence(writes: true), sample.next == sample.pattern.count else { return nil }
    return (sample.result, sample.hasNumber)
  }

  private init(pattern: [Character]) { self.pattern = pattern }

  /// What stands up to the end, a `|` or a `)`; of alternatives the first is taken.
  private mutating func sequence(writes: Bool) -> Bool {
    while next < pattern.count {
      switch pattern[next] {
      case ")": return true
      case "|":
        next += 1
        guard sequence(writes: false) else { return false }
        return true
      case "^", "$": next += 1
      case "(":
        next += 1
        if next + 1 < pattern.count, pattern[next] == "?" {
          guard pattern[next + 1] == ":" else { return false }
          next += 2
        }
        let start = next
        guard sequence(writes: false), next < pattern.count, pattern[next] == ")" else { return false }
        let end = next
        next += 1
        guard let times = quantifier() else { return false }
        if writes, times.least > 0 || times.isOpen && times.least > 0 {
          next = start
          for _ in 0..<times.least {
            next = start
            guard sequence(writes: true) else { return false }
          }
          next = end + 1
          _ = quantifier()
        }
      default:
        guard let choice = atom(), let times = quantifier() else { return false }
        if writes { write(choice, times) }
      }
    }
    return true
  }

  private struct Times {
    var least: Int
    var isOpen: Bool
  }

  /// One unless something else is said; `?` and `*` are none.
  private mutating func quantifier() -> Times? {
    guard next < pattern.count else { return Times(least: 1, isOpen: false) }
    switch pattern[next] {
    case "?":
      next += 1
      return Times(least: 0, isOpen: false)
    case "*":
      next += 1
      return Times(least: 0, isOpen: true)
    case "+":
      next += 1
      return Times(least: 1, isOpen: true)
    case "{":
      guard let end = pattern[next...].firstIndex(of: "}") else { return nil }
      let parts = String(pattern[(next + 1)..<end]).split(separator: ",", omittingEmptySubsequences: false)
      guard let least = parts.first.flatMap({ Int($0) }) else { return nil }
      next = end + 1
      return Times(least: least, isOpen: parts.count > 1)
    default: return Times(least: 1, isOpen: false)
    }
  }

  private struct Choice {
    var sample: Character
    var hasDigits: Bool
  }

  private mutating func atom() -> Choice? {
    let character = pattern[next]
    next += 1
    switch character {
    case "[": return bracket()
    case ".": return Choice(sample: "x", hasDigits: true)
    case "\\":
      guard next < pattern.count else { return nil }
      let escaped = pattern[next]
      next += 1
      switch escaped {
      case "d": return Choice(sample: "1", hasDigits: true)
      case "w": return Choice(sample: "a", hasDigits: true)
      case "s": return Choice(sample: " ", hasDigits: false)
      case "S": return Choice(sample: "a", hasDigits: true)
      default: return escaped.isLetter || escaped.isNumber ? nil : Choice(sample: escaped, hasDigits: false)
      }
    default: return Choice(sample: character, hasDigits: false)
    }
  }

  private mutating func bracket() -> Choice? {
    guard next < pattern.count else { return nil }
    let isNegated = pattern[next] == "^"
    if isNegated { next += 1 }
    var members: [ClosedRange<Character>] = []
    while next < pattern.count, pattern[next] != "]" || members.isEmpty {
      if pattern[next] == "[" {
        // [:alnum:] and its like.
        guard let end = pattern[next...].firstIndex(of: "]") else { return nil }
        let name = String(pattern[next..<end])
        next = end + 1
        if ["[:alnum:", "[:digit:", "[:xdigit:"].contains(name) { members.append("0"..."9") }
        if ["[:alnum:", "[:alpha:", "[:lower:", "[:xdigit:"].contains(name) { members.append("a"..."f") }
        if name == "[:upper:" { members.append("A"..."F") }
        continue
      }
      var first = pattern[next]
      if first == "\\", next + 1 < pattern.count {
        next += 1
        first = pattern[next]
        if first == "d" || first == "w" { members.append("0"..."9") }
        if first == "w" { members.append("a"..."z") }
        if first == "d" || first == "w" || first == "s" {
          next += 1
          continue
        }
      }
      next += 1
      if next + 1 < pattern.count, pattern[next] == "-", pattern[next + 1] != "]", first <= pattern[next + 1]
      {
        members.append(first...pattern[next + 1])
        next += 2
      } else {
        members.append(first...first)
      }
    }
    guard next < pattern.count else { return nil }
    next += 1
    if isNegated {
      guard let sample = "x_-0".first(where: { sample in !members.contains { $0.contains(sample) } }) else {
        return nil
      }
      return Choice(sample: sample, hasDigits: !members.contains { $0.contains("5") })
    }
    guard let first = members.first else { return nil }
    let letters = members.first { $0.lowerBound.isLetter }
    return Choice(
      sample: (letters ?? first).lowerBound,
      hasDigits: members.contains { $0.contains("0") && $0.contains("9") })
  }

  private mutating func write(_ choice: Choice, _ times: Times) {
    if choice.hasDigits, !hasNumber, times.isOpen || times.least > 2 {
      hasNumber = true
      // So many digits at the most that the number of a row of a small plan still fits.
      result += times.least > 1 ? "{n:0\(min(times.least, 18))}" : "{n}"
      return
    }
    let sample =
      choice.sample == "{" || choice.sample == "}"
      ? "\(choice.sample)\(choice.sample)" : String(choice.sample)
    result += String(repeating: sample, count: times.least)
  }
}
