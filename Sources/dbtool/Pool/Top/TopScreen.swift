import DatabaseTools

/// What `pool top` draws: lines that fit the terminal, from two samples.
struct TopScreen: Sendable {
  let difference: PoolSampleDifference
  /// Whom it is about.
  let address: String
  let width: Int
  /// Lines at most; `nil`: all.
  let height: Int?
  let paint: Paint

  private var now: PoolSample { difference.now }

  var lines: [String] {
    var lines = summary
    let tables = [
      (title: "who has had a backend longest", clients: now.clients("holders"), columns: Column.holders),
      (title: "who waits longest", clients: now.clients("waiters"), columns: Column.waiters),
      (
        title: "who keeps one beyond its transactions", clients: now.clients("pinned"), columns: Column.pinned
      ),
    ].filter { !$0.clients.isEmpty }
    // What is left is shared out, but nobody gets lines that he cannot fill.
    var left = height.map { $0 - lines.count - 3 * tables.count } ?? Int.max
    for (index, table) in tables.enumerated() {
      let rows = min(table.clients.count, max(1, left / (tables.count - index)))
      left -= rows
      lines += ["", paint.bold(table.title)] + rowsOf(table.columns, table.clients.prefix(rows))
    }
    return height.map { Array(lines.prefix($0)) } ?? lines
  }

  /// One line for a log: what is counted, and waits since the line before.
  var oneLine: String {
    let backends = "\(now.count("backends", "in_use"))/\(now.count("max_backends"))"
    return
      "\(now.text("state"))  backends \(backends)  clients \(clients)  waiting \(now.count("queue", "length"))"
      + "  borrow wait p50 \(time(0.5)) p99 \(time(0.99))  \(rate("queries")) queries/s"
      + "  timeouts \(Figures.count(now.count("totals", "borrow_timeouts")))"
  }

  // MARK: The summary

  private var summary: [String] {
    let state = now.text("state")
    let shownState = state == "ready" ? paint.green(state) : paint.red(state)
    var lines = [
      "\(paint.bold("dbtool pool")) \(Failure.printable(now.text("version")))  \(shownState)"
        + "  up \(Self.age(now.number("uptime_seconds")))  \(paint.dim(address))"
    ]
    if let error = now.document["server_error"]?.text {
      lines.append(paint.red(cut(Failure.printable(error), to: width)))
    }
    let queue = now.count("queue", "length")
    lines += [
      row(
        "backends", "\(backendsOpen)/\(Figures.count(now.count("max_backends")))",
        "\(counts("backends", ["in_use", "idle", "connecting", "closing"]));"
          + " \(now.count("backends", "in_transaction")) in transactions"),
      bar,
      row(
        "clients", clients,
        "\(counts("clients", ["active", "waiting", "idle", "login", "closing"]));"
          + " \(now.count("clients", "pinned")) pinned"),
      row(
        "queue", queue > 0 ? paint.yellow(Figures.count(queue)) : "0", plainFigure: Figures.count(queue),
        "longest \(Self.short(now.number("queue", "longest_seconds")));"
          + " borrow wait p50 \(time(0.5)), p95 \(time(0.95)), p99 \(time(0.99))"),
      row(
        "work", rate("queries"),
        "queries/s; \(rate("transactions")) transactions/s; query p99 "
          + (difference.quantile(0.99, of: "query").map { Self.short($0) } ?? "-")),
      row(
        "trouble", Figures.count(now.count("totals", "borrow_timeouts")),
        "borrow timeouts, \(Figures.count(now.total("refusals"))) refusals,"
          + " \(Figures.count(now.total("timeouts"))) other timeouts since the start"),
      row(
        "process", percent(difference.processor),
        "CPU; loops \(difference.loops.map { percent($0) }.joined(separator: " "));"
          + " \(Figures.count(now.count("process", "resident_bytes") / 1_000_000)) MB;"
          + " \(Figures.count(now.count("process", "open_fds"))) descriptors"),
    ]
    return lines
  }

  private var backendsOpen: String {
    let parts = ["in_use", "idle", "connecting", "closing"].map { now.count("backends", $0) }
    return Figures.count(parts.reduce(0, +))
  }

  private var clients: String {
    let parts = ["active", "waiting", "idle", "login", "closing"].map { now.count("clients", $0) }
    return Figures.count(parts.reduce(0, +))
  }

  /// In use and otherwise open, of the cap.
  private var bar: String {
    let cells = max(10, min(60, width - 21))
    let most = Double(max(1, now.count("max_backends")))
    func share(_ count: Int) -> Int { min(cells, Int((Double(count) / most * Double(cells)).rounded(.up))) }
    let used = share(now.count("backends", "in_use"))
    let idle = ["idle", "connecting", "closing"].reduce(0) { $0 + now.count("backends", $1) }
    let open = min(cells - used, share(idle))
    let rest = String(repeating: ".", count: cells - used - open)
    let full = String(repeating: "#", count: used)
    return String(repeating: " ", count: 19) + "[" + (used == cells ? paint.yellow(full) : paint.green(full))
      + String(repeating: "-", count: open) + paint.dim(rest) + "]"
  }

  private func counts(_ group: String, _ names: [String]) -> String {
    names.map { "\(Figures.count(now.count(group, $0))) \($0.replacing("_", with: " "))" }.joined(
      separator: ", ")
  }

  private func row(_ name: String, _ figure: String, plainFigure: String? = nil, _ rest: String) -> String {
    let plain = plainFigure ?? figure
    let blanks = String(repeating: " ", count: max(0, 8 - plain.count))
    return paint.dim(pad(name, 9)) + blanks + figure + "  " + cut(rest, to: max(10, width - 19))
  }

  private func rate(_ total: String) -> String { Figures.count(Int(difference.rate(total).rounded())) }

  private func time(_ share: Double) -> String {
    difference.quantile(share, of: "borrow_wait").map { Self.short($0) } ?? "-"
  }

  private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

  // MARK: The tables

  private struct Column: Sendable {
    let title: String
    /// Characters at most.
    let most: Int
    var isRight = false
    let text: @Sendable (PoolSampleClient) -> String

    static let user = Column(title: "user", most: 16) { $0.text("user") }
    static let database = Column(title: "database", most: 16) { $0.text("database") }
    static let application = Column(title: "application", most: 24) { $0.text("application_name") }
    static let from = Column(title: "from", most: 24) {
      $0.text("address") + ($0.isEncrypted ? " (TLS)" : "")
    }
    static let state = Column(title: "state", most: 20) { $0.text("state").replacing("_", with: " ") }
    static let stateFor = Column(title: "for", most: 9, isRight: true) {
      TopScreen.short($0.seconds("state_seconds"))
    }
    static let held = Column(title: "held", most: 9, isRight: true) { TopScreen.short($0.seconds("seconds")) }
    static let waited = Column(title: "waited", most: 9, isRight: true) {
      TopScreen.short($0.seconds("seconds"))
    }
    static let kept = Column(title: "kept", most: 9, isRight: true) {
      TopScreen.short($0.seconds("pinned_seconds"))
    }
    static let reasons = Column(title: "because", most: 40) { $0.pinReasons.replacing("_", with: " ") }
    static let process = Column(title: "pid", most: 10, isRight: true) { $0.text("server_process") }

    static let holders = [held, state, stateFor, user, database, process, application, from]
    static let waiters = [waited, user, database, application, from]
    static let pinned = [kept, reasons, state, user, database, process, application]
  }

  private func rowsOf(_ columns: [Column], _ clients: some Collection<PoolSampleClient>) -> [String] {
    let cells = clients.map { client in columns.map { cut($0.text(client), to: $0.most) } }
    let widths = columns.indices.map { column in
      cells.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    func line(_ texts: [String]) -> String {
      let padded = texts.indices.map { pad(texts[$0], widths[$0], isRight: columns[$0].isRight) }
      var joined = padded.joined(separator: "  ")
      while joined.hasSuffix(" ") { joined.removeLast() }
      return cut(joined, to: width)
    }
    return [paint.dim(line(columns.map(\.title)))] + cells.map { line($0) }
  }

  private func pad(_ text: String, _ count: Int, isRight: Bool = false) -> String {
    let blanks = String(repeating: " ", count: max(0, count - text.count))
    return isRight ? blanks + text : text + blanks
  }

  private func cut(_ text: String, to count: Int) -> String {
    text.count > count ? String(text.prefix(max(0, count - 1))) + "…" : text
  }

  // MARK: Times

  /// `0 ms`, `12.3 ms`, `1.5 s`.
  static func short(_ seconds: Double) -> String {
    seconds == 0 ? "0 ms" : seconds < 1 ? Figures.milliseconds(seconds * 1_000) : age(seconds)
  }

  /// `0.3 s`, `95 s`, `12 min`, `3.2 h`, `4 d`.
  static func age(_ seconds: Double) -> String {
    switch seconds {
    case ..<10: Figures.fixed(seconds, 1) + " s"
    case ..<120: Figures.fixed(seconds, 0) + " s"
    case ..<7_200: Figures.fixed(seconds / 60, 0) + " min"
    case ..<172_800: Figures.fixed(seconds / 3_600, 1) + " h"
    default: Figures.fixed(seconds / 86_400, 0) + " d"
    }
  }
}
