import Migrations

extension PoolKey {
  /// The value that a flag's or a variable's text means.
  func value(ofText text: String) throws(PoolValueProblem) -> PoolValue {
    switch kind {
    case .text: return .text(text)
    case .duration:
      guard let milliseconds = DurationText.milliseconds(text) else { throw problem(text.quoted) }
      return .milliseconds(milliseconds)
    case .count(let range, _), .optionalCount(let range, _):
      guard let count = Int(text) else { throw problem(text.quoted) }
      return try checked(count, range)
    case .choice(let words):
      guard words.contains(text) else { throw problem(text.quoted) }
      return .text(text)
    case .toggle:
      switch text {
      case "true": return .toggle(true)
      case "false": return .toggle(false)
      default: throw problem(text.quoted)
      }
    case .list:
      return .list(text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty })
    }
  }

  /// The value that the file holds.
  func value(of config: ConfigValue) throws(PoolValueProblem) -> PoolValue {
    switch (kind, config) {
    case (.text, .text), (.duration, .text), (.choice, .text): return try value(ofText: config.text ?? "")
    case (.duration, .integer(let seconds)): return try value(ofText: String(seconds))
    case (.duration, .number(let seconds)): return try value(ofText: "\(seconds)")
    case (.count(let range, _), .integer(let count)), (.optionalCount(let range, _), .integer(let count)):
      return try checked(count, range)
    case (.toggle, .toggle(let value)): return .toggle(value)
    case (.list, .array(let values)):
      var texts: [String] = []
      for value in values {
        guard case .text(let text) = value else { throw problem("a list with \(value.kindName) in it") }
        texts.append(text)
      }
      return .list(texts)
    case (.list, .text(let text)): return .list([text])
    // What is left does not fit: a number for a text, a table for a list.
    default: throw problem(config.kindName)
    }
  }

  private func checked(_ count: Int, _ range: ClosedRange<Int>) throws(PoolValueProblem) -> PoolValue {
    guard range.contains(count) else {
      throw PoolValueProblem(what: "must be from \(range.lowerBound) to \(range.upperBound), not \(count)")
    }
    return .count(count)
  }

  /// - Parameter given: what was found instead, as the message shall show it.
  private func problem(_ given: String) -> PoolValueProblem {
    switch kind {
    case .text: PoolValueProblem(what: "takes a text in quotes, not \(given)")
    case .duration:
      PoolValueProblem(
        what: "takes a duration, not \(given)",
        hint:
          "a number and ms, s, m, h or d, as in 500ms or 3s; a bare number is seconds; 0 turns a limit off")
    case .count(let range, _), .optionalCount(let range, _):
      PoolValueProblem(
        what: "takes a whole number from \(range.lowerBound) to \(range.upperBound), not \(given)")
    case .choice(let words):
      PoolValueProblem(what: "takes one of \(words.joined(separator: ", ")), not \(given)")
    case .toggle: PoolValueProblem(what: "takes true or false, not \(given)")
    case .list: PoolValueProblem(what: "takes a list of texts, not \(given)")
    }
  }

  /// What the help shows for the value: `duration`, `0…100`, `text|json`.
  var placeholder: String {
    switch kind {
    case .text: "text"
    case .duration: "duration"
    case .count, .optionalCount: "n"
    case .choice(let words): words.joined(separator: "|")
    case .toggle: "true|false"
    case .list: "list"
    }
  }
}

extension String {
  /// Without blanks at both ends.
  var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(self[first...last])
  }

  /// In double quotes, for messages.
  var quoted: String { "\"\(self)\"" }
}
