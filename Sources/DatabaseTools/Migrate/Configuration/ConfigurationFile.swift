import Migrations
import TOMLKit

/// One configuration file, as keys and texts: `flyway.table`, `environments.default.url`. Lists are joined with
/// commas.
struct ConfigurationFile {
  let path: String
  var values: [(key: String, value: String)] = []

  static func isTOML(_ path: String) -> Bool { path.lowercased().hasSuffix(".toml") }

  /// Reads a file of either form.
  /// - Parameter environment: what `${NAME}` (conf) and `${env.NAME}` (TOML) stand for.
  init(
    reading path: String, _ environment: [String: String]
  ) throws(MigrationFailure) {
    self.path = path
    let text: String
    do throws(Failure) { text = try LocalFile.text(of: path) } catch {
      throw MigrationFailure(error, code: .configuration)
    }
    guard Self.isTOML(path) else {
      values = PropertiesFile.entries(of: text) { environment[$0] }.map { ($0.key, $0.value) }
      return
    }
    do {
      flatten(try TOMLTable(string: text), "")
    } catch let error as TOMLParseError {
      var failure = MigrationFailure(
        .invalidConfigurationFile(path: path, line: error.source.begin.line, reason: error.description))
      failure.failure.place = Failure.Place(
        file: path, line: error.source.begin.line, column: error.source.begin.column)
      throw failure
    } catch {
      throw MigrationFailure(.invalidConfigurationFile(path: path, line: 1, reason: "\(error)"))
    }
    for index in values.indices {
      values[index].value = try Self.resolve(values[index].value, environment)
    }
  }

  private mutating func flatten(_ table: TOMLTable, _ prefix: String) {
    for key in table.keys {
      guard let value = table[key]?.tomlValue else { continue }
      if let inner = value.table {
        flatten(inner, prefix + key + ".")
      } else if let array = value.array {
        values.append((prefix + key, array.map { Self.text($0.tomlValue) }.joined(separator: ",")))
      } else {
        values.append((prefix + key, Self.text(value)))
      }
    }
  }

  private static func text(_ value: TOMLValue) -> String {
    if let text = value.string { return text }
    if let flag = value.bool { return flag ? "true" : "false" }
    if let number = value.int { return String(number) }
    if let number = value.double { return String(number) }
    return value.debugDescription
  }

  /// Puts variables in the place of `${env.NAME}`; other `${…}` are placeholders of scripts and stay.
  private static func resolve(
    _ text: String, _ environment: [String: String]
  ) throws(MigrationFailure) -> String {
    guard text.contains("${env.") else { return text }
    var result = ""
    var rest = text[...]
    while let open = rest.firstRange(of: "${env.") {
      guard let close = rest[open.upperBound...].firstIndex(of: "}") else { break }
      let name = String(rest[open.upperBound..<close])
      guard let value = environment[name] else {
        var failure = MigrationFailure(.unsetEnvironmentVariable(name))
        failure.code = .configuration
        throw failure
      }
      result += rest[..<open.lowerBound] + value
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }
}
