extension VerifyReport {
  /// The report for people: a line for each case, the findings and notes in full, and a sum.
  package func lines(_ paint: Paint) -> [String] {
    let width = cases.map(\.name.count).max() ?? 0
    var lines = cases.map { entry in
      let (word, rest) = Self.describe(entry)
      let label = word + String(repeating: " ", count: max(0, 10 - word.count))
      let name =
        entry.name + String(repeating: " ", count: rest.isEmpty ? 0 : max(0, width - entry.name.count))
      return Self.painted(label, entry.outcome, paint) + name + (rest.isEmpty ? "" : "  " + paint.dim(rest))
    }
    for finding in findings { lines += [""] + Self.block(finding.failure.text(coloured: paint.isOn)) }
    for note in notes { lines += [""] + Self.block(note.failure.text(label: "note", coloured: paint.isOn)) }
    return lines + ["", sum(paint)]
  }

  private static func describe(_ entry: VerifyCase) -> (word: String, rest: String) {
    let time = entry.milliseconds.map { SpentTime.text($0) }
    let facts = [time, entry.remark].compactMap { $0 }.joined(separator: ", ")
    return switch entry.outcome {
    case .passed: ("ok", facts)
    case .failed: ("FAILED", facts)
    case .notTried(let reason): ("not tried", reason)
    }
  }

  private static func painted(_ label: String, _ outcome: VerifyCase.Outcome, _ paint: Paint) -> String {
    switch outcome {
    case .passed: paint.green(label)
    case .failed: paint.red(label)
    case .notTried: paint.yellow(label)
    }
  }

  private static func block(_ text: String) -> [String] { text.split(separator: "\n").map { String($0) } }

  private func sum(_ paint: Paint) -> String {
    func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
    let tried = cases.count { if case .notTried = $0.outcome { false } else { true } }
    let rest =
      (notes.isEmpty ? "" : ", \(counted(notes.count, "note"))")
      + " (\(counted(tried, "check")) on PostgreSQL \(serverVersion) in \(SpentTime.text(milliseconds)))"
    return isClean
      ? paint.green("clean: no findings") + rest
      : paint.red(counted(findings.count, "finding")) + rest
  }
}
