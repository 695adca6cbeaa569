import Migrations
import TOMLKit

/// One configuration file, as keys and texts: `flyway.table`, `environments.default.url`. Lists are joined with
/// commas.
struct ConfigurationFile {
  let path: String
  var values: [Value] = []

  struct Value {
    var key: String
    var value: String
    /// Nil in TOML, whose reader does not tell.
    var line: Int?
  }

  static func isTOML(_ path: String) -> Bool { path.lowercased().hasSuffix(".toml") }

  /// Reads a file of either form.
  /// - Parameters:
  ///   - encoding: of conf files; TOML is UTF-8.
  ///   - environment: what `${NAME}` in conf files stands for.
  init(
    reading path: String, _ encoding: TextEncoding, _ environment: [String: String]
  ) throws(MigrationFailure) {
    self.path = path
    let text: String
    do {
      var decoder = TextDecoder(Self.isTOML(path) ? .utf8 : encoding)
      text = String(decoding: try decoder.decode(LocalFile.bytes(of: path)), as: UTF8.self)
      try decoder.finish()
    } catch let error as MigrationError {
      throw MigrationFailure(.invalidConfigurationFile(path: path, line: 1, reason: error.message))
    } catch let error as Failure {
      throw MigrationFailure(error, code: .configuration)
    } catch {
      throw MigrationFailure(Failure("\(path): \(error)"))
    }
    guard Self.isTOML(path) else {
      values = PropertiesFile.entries(of: text) { environment[$0] }.map {
        Value(key: $0.key, value: $0.value, line: $0.line)
      }
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
  }

  private mutating func flatten(_ table: TOMLTable, _ prefix: String) {
    for key in table.keys {
      guard let value = table[key]?.tomlValue else { continue }
      if let inner = value.table {
        flatten(inner, prefix + key + ".")
      } else if let array = value.array {
        values.append(
          Value(key: prefix + key, value: array.map { Self.text($0.tomlValue) }.joined(separator: ",")))
      } else {
        values.append(Value(key: prefix + key, value: Self.text(value)))
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
}
