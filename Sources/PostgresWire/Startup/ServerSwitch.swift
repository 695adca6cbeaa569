/// A one-letter switch of the server process, as `options` may carry it.
///
/// Source: PostgreSQL 15, `process_postgres_switches`, `set_debug_options`, `set_plan_disabling_options` and
/// `get_stats_option_name`. What only a standalone server obeys is taken and does nothing, as there.
enum ServerSwitch {
  /// `-c name=value`, `--name=value`.
  case setting
  /// Stands for a setting whose value is its argument.
  case valued(String)
  /// Stands for a setting with this value.
  case fixed(String, String)
  /// `-f` and a letter: a way of planning that is turned off.
  case planning
  /// `-t` and the name of a part of the server whose statistics are logged.
  case statistics
  /// `-d` and a number: how much is logged.
  case debugging
  /// Does nothing in a session.
  case ignored(takesArgument: Bool)

  /// `nil` for letters that the server does not know.
  init?(_ letter: UInt8) {
    switch Unicode.Scalar(letter) {
    case "c", "-": self = .setting
    case "B": self = .valued("shared_buffers")
    case "N": self = .valued("max_connections")
    case "S": self = .valued("work_mem")
    case "W": self = .valued("post_auth_delay")
    case "h": self = .valued("listen_addresses")
    case "k": self = .valued("unix_socket_directories")
    case "p": self = .valued("port")
    case "F": self = .fixed("fsync", "false")
    case "O": self = .fixed("allow_system_table_mods", "true")
    case "P": self = .fixed("ignore_system_indexes", "true")
    case "e": self = .fixed("datestyle", "euro")
    case "i": self = .fixed("listen_addresses", "*")
    case "l": self = .fixed("ssl", "true")
    case "s": self = .fixed("log_statement_stats", "true")
    case "f": self = .planning
    case "t": self = .statistics
    case "d": self = .debugging
    case "E", "T", "b", "j", "n": self = .ignored(takesArgument: false)
    case "C", "D", "r", "v": self = .ignored(takesArgument: true)
    default: return nil  // a byte from outside
    }
  }

  var takesArgument: Bool {
    switch self {
    case .setting, .valued, .planning, .statistics, .debugging: true
    case .fixed: false
    case .ignored(let takesArgument): takesArgument
    }
  }

  /// The settings that the switch makes; an unknown word for an argument that the server does not know.
  func settings(
    _ argument: [UInt8], _ letter: UInt8
  ) -> Result<[StartupParameter], StartupOptionsFault> {
    switch self {
    case .setting: return assignment(argument, letter)
    case .valued(let name): return .success([StartupParameter(name: name, value: argument)])
    case .fixed(let name, let value): return .success([StartupParameter(name, value)])
    case .planning: return Self.turnedOff(argument).map { [StartupParameter($0, "false")] }
    case .statistics: return Self.logged(argument).map { [StartupParameter($0, "true")] }
    case .debugging: return .success(Self.debugging(argument))
    case .ignored: return .success([])
    }
  }

  private func assignment(
    _ argument: [UInt8], _ letter: UInt8
  ) -> Result<[StartupParameter], StartupOptionsFault> {
    let text = String(decoding: argument, as: UTF8.self)
    guard let equals = argument.firstIndex(of: UInt8(ascii: "=")) else {
      return .failure(.missingValue((letter == UInt8(ascii: "c") ? "-c " : "--") + text))
    }
    let name = argument[..<equals].map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    guard !name.isEmpty else { return .failure(.unknownParameter("")) }
    guard let known = String(validating: name, as: UTF8.self) else {
      return .failure(.unknownWord(text))
    }
    return .success([StartupParameter(name: known, value: Array(argument[(equals + 1)...]))])
  }

  private static func turnedOff(_ argument: [UInt8]) -> Result<String, StartupOptionsFault> {
    let names: [UInt8: String] = [
      UInt8(ascii: "s"): "enable_seqscan", UInt8(ascii: "i"): "enable_indexscan",
      UInt8(ascii: "o"): "enable_indexonlyscan", UInt8(ascii: "b"): "enable_bitmapscan",
      UInt8(ascii: "t"): "enable_tidscan", UInt8(ascii: "n"): "enable_nestloop",
      UInt8(ascii: "m"): "enable_mergejoin", UInt8(ascii: "h"): "enable_hashjoin",
    ]
    return found(argument.first.flatMap { names[$0] }, argument)
  }

  private static func logged(_ argument: [UInt8]) -> Result<String, StartupOptionsFault> {
    let text = String(decoding: argument, as: UTF8.self)
    let name: String? =
      if text.hasPrefix("pa") {
        "log_parser_stats"
      } else if text.hasPrefix("pl") {
        "log_planner_stats"
      } else if text.hasPrefix("e") {
        "log_executor_stats"
      } else {
        nil
      }
    return found(name, argument)
  }

  private static func found(
    _ name: String?, _ argument: [UInt8]
  ) -> Result<String, StartupOptionsFault> {
    if let name { return .success(name) }
    return .failure(.unknownWord(String(decoding: argument, as: UTF8.self)))
  }

  /// As `atoi`: what is no number is 0.
  private static func debugging(_ argument: [UInt8]) -> [StartupParameter] {
    let digits = argument.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let level = Int(String(decoding: digits, as: UTF8.self)) ?? 0
    var settings = [StartupParameter("log_min_messages", level > 0 ? "debug\(min(level, 5))" : "notice")]
    if level >= 2 { settings.append(StartupParameter("log_statement", "all")) }
    if level >= 3 { settings.append(StartupParameter("debug_print_parse", "true")) }
    if level >= 4 { settings.append(StartupParameter("debug_print_plan", "true")) }
    if level >= 5 { settings.append(StartupParameter("debug_print_rewritten", "true")) }
    return settings
  }
}
