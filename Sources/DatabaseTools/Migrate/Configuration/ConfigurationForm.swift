import Migrations

/// Which form the configuration files have. Flyway reads everything by two different programs, the older of
/// which serves conf files, and each has words of its own for what is wrong. Without any file it is the newer.
enum ConfigurationForm {
  case toml, conf

  /// The error for keys that no option has.
  func unknown(_ keys: [String]) -> MigrationError {
    switch self {
    case .toml: .unknownOptions(keys)
    case .conf: .unknownFileKey(keys.first ?? "")
    }
  }

  /// An error about a value in this form's words.
  func wording(_ error: MigrationError) -> MigrationError {
    guard self == .conf, case .unreadableValue(let name, let value) = error else { return error }
    let isNumber = MigrationOptions.find(name: name)?.option.kind == .integer
    return isNumber
      ? .invalidInteger(name: "flyway." + name, value: value)
      : .invalidBoolean(name: "flyway." + name, value: value)
  }
}
