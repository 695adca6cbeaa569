extension VerifyReport {
  /// The report as JUnit writes it: a test case for each case, `failure` for findings, `skipped` for what was not
  /// tried, notes as `system-out`. Source: the schema that Jenkins and GitLab read.
  package var junit: String {
    let failed = cases.count { $0.outcome == .failed }
    let skipped = cases.count { if case .notTried = $0.outcome { true } else { false } }
    let counts = "tests=\"\(cases.count)\" failures=\"\(failed)\" errors=\"0\" skipped=\"\(skipped)\""
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites \(counts) time=\"\(Self.seconds(milliseconds))\">",
      "  <testsuite name=\"dbtool verify\" \(counts) time=\"\(Self.seconds(milliseconds))\">",
    ]
    for entry in cases { lines += Self.lines(entry) }
    return (lines + ["  </testsuite>", "</testsuites>"]).map { $0 + "\n" }.joined()
  }

  private static func lines(_ entry: VerifyCase) -> [String] {
    var head = "    <testcase classname=\"migrations\" name=\(quoted(entry.name))"
    if let file = entry.file { head += " file=\(quoted(file))" }
    if let line = entry.findings.first?.failure.place?.line { head += " line=\"\(line)\"" }
    head += " time=\"\(seconds(entry.milliseconds ?? 0))\""
    var inner: [String] = []
    for finding in entry.findings {
      inner.append(
        "      <failure type=\(quoted(finding.rule.rawValue)) message=\(quoted(finding.failure.what))>"
          + escaped(finding.failure.text()) + "</failure>")
    }
    if case .notTried(let reason) = entry.outcome {
      inner.append("      <skipped message=\(quoted(reason))/>")
    }
    if !entry.notes.isEmpty {
      let notes = entry.notes.map { $0.failure.text(label: "note") }.joined()
      inner.append("      <system-out>" + escaped(notes) + "</system-out>")
    }
    return inner.isEmpty ? [head + "/>"] : [head + ">"] + inner + ["    </testcase>"]
  }

  /// Seconds with three places.
  private static func seconds(_ milliseconds: Int) -> String {
    let rest = String(milliseconds % 1000)
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }

  private static func quoted(_ text: String) -> String { "\"" + escaped(text, inAttribute: true) + "\"" }

  /// XML 1.0 has no way to write most control characters, so they become U+FFFD.
  private static func escaped(_ text: String, inAttribute: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"" where inAttribute: result += "&quot;"
      case "\n" where inAttribute: result += "&#10;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case let other where other.value < 0x20 || other.value == 0xFFFE || other.value == 0xFFFF:
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
