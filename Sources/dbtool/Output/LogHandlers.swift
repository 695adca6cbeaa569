import DatabaseTools
import Glibc
import Logging

/// How a long-running command writes its log: for people or for machines, one line an event.
enum LogFormat: String, Sendable, CaseIterable {
  case text, json

  /// Makes all loggers of the process write this way; once a process.
  func bootstrap(level: Logger.Level, to descriptor: Int32 = STDERR_FILENO) {
    let format = self
    LoggingSystem.bootstrap { label in
      LineLogHandler(label: label, format: format, descriptor: descriptor, logLevel: level)
    }
  }
}

/// Writes each event as one line with one `write`, so that lines of several threads never mix.
struct LineLogHandler: LogHandler {
  let label: String
  let format: LogFormat
  var descriptor = STDERR_FILENO
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var facts = metadata
    if let own = event.metadata { facts.merge(own) { _, new in new } }
    if let error = event.error { facts["error"] = "\(error)" }
    let sorted = facts.sorted { $0.key < $1.key }
    let line =
      switch format {
      case .text: Self.text(Timestamp.now, event.level, "\(event.message)", sorted)
      case .json: Self.json(Timestamp.now, event.level, label, "\(event.message)", sorted)
      }
    Console.write(line + "\n", to: descriptor)
  }

  /// `2025-01-31T12:00:00.123Z warning message key=value key="two words"`.
  static func text(
    _ time: String, _ level: Logger.Level, _ message: String,
    _ facts: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    var line = "\(time) \(level) \(oneLine(message))"
    for (key, value) in facts {
      let text = "\(value)"
      let isPlain = !text.isEmpty && !text.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
      line += " \(key)=" + (isPlain ? oneLine(text) : JSONValue.string(text).text())
    }
    return line
  }

  /// `{"time":…,"level":…,"logger":…,"message":…,key:value…}`.
  static func json(
    _ time: String, _ level: Logger.Level, _ label: String, _ message: String,
    _ facts: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    var members: [JSONValue.Member] = [
      .init("time", .string(time)), .init("level", .string(level.rawValue)), .init("logger", .string(label)),
      .init("message", .string(message)),
    ]
    members += facts.map { .init($0.key, value($0.value)) }
    return JSONValue.object(members).text()
  }

  private static func value(_ value: Logger.MetadataValue) -> JSONValue {
    switch value {
    case .string(let text): .string(text)
    case .stringConvertible(let number as any BinaryInteger): .number(String(number))
    case .stringConvertible(let convertible): .string(convertible.description)
    case .array(let values): .array(values.map { Self.value($0) })
    case .dictionary(let facts):
      .object(facts.sorted { $0.key < $1.key }.map { .init($0.key, Self.value($0.value)) })
    @unknown default: .string("\(value)")
    }
  }

  /// A line end inside a message would make it two events.
  private static func oneLine(_ text: String) -> String {
    text.contains { $0.isNewline } ? text.split(whereSeparator: \.isNewline).joined(separator: " ") : text
  }
}

/// The time of day as RFC 3339 writes it, in UTC, with milliseconds.
enum Timestamp {
  static var now: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return text(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
  }

  /// - Parameter seconds: since 1970, UTC.
  static func text(seconds: Int, milliseconds: Int) -> String {
    var seconds = seconds
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: some BinaryInteger, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
      + "T\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
      + ".\(digits(milliseconds, 3))Z"
  }
}
