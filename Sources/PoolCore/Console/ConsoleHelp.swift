import PostgresWire

/// SHOW HELP.
enum ConsoleHelp {
  /// A notice, as PgBouncer gives it.
  static var notice: ErrorFields {
    ErrorFields(
      severity: .notice, sqlState: "00000", message: "Console usage", detail: "\n" + usage,
      hint: "docs/console.md tells what each column means.")
  }

  private static var usage: String {
    let views = ConsoleView.allCases.filter { $0 != .fds }.map { $0.rawValue.uppercased() }
    var lines: [String] = []
    for start in stride(from: 0, to: views.count, by: 7) {
      lines.append("SHOW " + views[start..<min(start + 7, views.count)].joined(separator: "|"))
    }
    lines += [
      "SET key = 'value'", "RELOAD", "PAUSE [db]", "RESUME [db]", "DISABLE db", "ENABLE db", "RECONNECT [db]",
      "KILL [db]", "KILL_CLIENT id", "WAIT_CLOSE [db]", "SHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS]",
    ]
    return lines.map { "\t" + $0 }.joined(separator: "\n")
  }
}
