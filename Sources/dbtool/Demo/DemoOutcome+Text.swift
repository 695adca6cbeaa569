import DatabaseTools
import StorefrontLoad

extension DemoOutcome {
  /// The summary for people, on stdout.
  func lines(_ paint: Paint) -> [String] {
    var lines = table()
    lines.append("")
    lines += facts.map { label, text in label + String(repeating: " ", count: 14 - label.count) + text }
    lines.append("")
    if broken.isEmpty {
      lines.append(
        paint.green(
          "\(Figures.count(plan.clients)) clients on \(DemoPlan.room) connections: "
            + "directly \(Figures.count(refusedDirectly)) failed, through the pool none."))
    } else {
      lines += broken.map { paint.red("broken: ") + $0.complaint }
    }
    return lines
  }

  var refusedDirectly: Int { storm.attempted - storm.accepted }

  // MARK: - The table of kinds

  private func table() -> [String] {
    var rows = [["", "requests", "p50", "p95", "p99", "refused", "failed"]]
    for kind in RequestKind.allCases {
      let figures = load[kind]
      rows.append(
        row(kind.title, figures.requests, figures.latency, refused: figures.refused, failed: figures.failed))
    }
    rows.append(row("all", load.requests, load.latency, refused: load.refused, failed: load.failed))
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, text in
        let gap = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + gap : gap + text
      }.joined(separator: "   ")
    }
  }

  private func row(
    _ title: String, _ requests: Int, _ latency: LatencyHistogram, refused: Int, failed: Int
  ) -> [String] {
    [title, Figures.count(requests)]
      + [50, 95, 99].map { Figures.milliseconds(Double(latency.percentile($0)) / 1000) }
      + [Figures.count(refused), Figures.count(failed)]
  }

  // MARK: - The facts

  private var facts: [(String, String)] {
    var facts = [
      (
        "requests",
        "\(Figures.count(load.requests)) in \(Figures.seconds(load.loadTime)), "
          + "\(Figures.count(Int(load.requestsPerSecond.rounded())))/s, from "
          + "\(Figures.count(load.connected)) client connections"
      ),
      ("errors", Figures.count(load.errors.total)),
    ]
    facts += load.errors.entries.map { ("", text($0)) }
    if load.refused > 0 {
      facts.append(
        ("refusals", "\(Figures.count(load.refused)) checkouts that the shop refused: business, not errors"))
      facts += load.refusals.entries.map { ("", text($0)) }
    }
    facts.append(
      (
        "borrow wait",
        borrowWait.map {
          "p50 \(Figures.milliseconds($0.p50 * 1000)), p99 \(Figures.milliseconds($0.p99 * 1000))"
        } ?? "no backend was borrowed"
      ))
    facts.append(
      (
        "backends",
        "\(mostPooled) at most in pg_stat_activity (looked \(Figures.count(looks)) times), "
          + "of \(DemoPlan.room)"
      ))
    facts.append(
      (
        "stock",
        "\(Figures.count(sold)) pieces sold, \(Figures.count(ordered)) ordered "
          + "in \(Figures.count(orders)) orders"
      ))
    return facts
  }

  private func text(_ entry: ErrorTally.Entry) -> String {
    "\(Figures.count(entry.count)) × SQLSTATE \(entry.sqlState), such as: \(entry.example)"
  }
}
