extension Failure {
  /// The failure as it stands on stderr, each line with its end:
  ///
  ///     error: relation "categories" does not exist (SQLSTATE 42P01)
  ///       at migrations/V2__products.sql:14:14
  ///         14 |   REFERENCES categories (id)
  ///            |              ^
  ///       detail: …
  ///       hint: …
  /// - Parameter label: what it begins with; `note` for what is no error.
  package func text(label: String = "error", coloured: Bool = false) -> String {
    let paint = Paint(isOn: coloured)
    let start = label == "error" ? paint.red("error:") : paint.cyan(label + ":")
    var lines = [
      start + " " + Self.oneLine(what) + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    ]
    if let place { lines.append("  at " + paint.bold(Self.oneLine(place.text))) }
    if let excerpt { lines += excerpt.lines(number: place?.line, paint) }
    let details = (detail.map { [$0] } ?? []) + related
    if !details.isEmpty { lines += Self.labelled("detail", details.joined(separator: "\n"), paint) }
    if let hint { lines += Self.labelled("hint", hint, paint) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// A text of several lines keeps them, the later ones under the first.
  private static func labelled(_ label: String, _ text: String, _ paint: Paint) -> [String] {
    let indent = String(repeating: " ", count: label.count + 4)
    return split(text).enumerated().map { index, line in
      index == 0 ? "  " + paint.cyan(label + ":") + " " + line : indent + line
    }
  }

  private static func split(_ text: String) -> [String] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { printable($0) }
  }

  /// The first line of an error is one line, whatever the server said.
  private static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { printable($0) }.joined(separator: "; ")
  }

  /// Control characters from outside must not reach a terminal.
  package static func printable(_ text: some StringProtocol) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
      return String(text)
    }
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            ? (scalar == "\t" ? " " : "\u{FFFD}") : scalar
        }))
  }
}

extension Failure.Excerpt {
  /// Longer lines are shown as a window around the caret.
  private static let widest = 100

  fileprivate func lines(number: Int?, _ paint: Paint) -> [String] {
    let shown = Array(Failure.printable(text))
    let caret = caretColumn.map { min(max($0 - 1, 0), shown.count) }
    var first = 0
    if shown.count > Self.widest, let caret, caret > Self.widest - 20 {
      first = min(caret - Self.widest / 2, shown.count - Self.widest)
    }
    let last = min(shown.count, first + Self.widest)
    let before = first > 0 ? "…" : ""
    let after = last < shown.count ? "…" : ""
    let label = number.map { String($0) } ?? ""
    let margin = String(repeating: " ", count: label.count)
    var lines = ["    \(label) | " + before + String(shown[first..<last]) + after]
    if let caret {
      let gap = String(repeating: " ", count: before.count + caret - first)
      lines.append("    \(margin) | " + gap + paint.red("^"))
    }
    return lines
  }
}

/// ANSI colours, or none.
package struct Paint: Sendable {
  package let isOn: Bool

  package init(isOn: Bool) { self.isOn = isOn }

  package func red(_ text: String) -> String { wrap(text, "1;31") }
  package func green(_ text: String) -> String { wrap(text, "32") }
  package func yellow(_ text: String) -> String { wrap(text, "33") }
  package func cyan(_ text: String) -> String { wrap(text, "36") }
  package func bold(_ text: String) -> String { wrap(text, "1") }
  package func dim(_ text: String) -> String { wrap(text, "2") }

  private func wrap(_ text: String, _ code: String) -> String {
    isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
