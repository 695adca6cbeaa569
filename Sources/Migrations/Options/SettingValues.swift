/// Values of options by configuration name, as text, from one source or several.
package struct SettingValues: Sendable, Equatable {
  private var values: [String: String] = [:]

  package init() {}

  package subscript(_ name: String) -> String? {
    get { values[name] }
    set { values[name] = newValue }
  }

  package var names: [String] { values.keys.sorted() }

  /// Takes over everything of a source that is stronger.
  package mutating func override(with stronger: SettingValues) {
    values.merge(stronger.values) { _, new in new }
  }

  /// Checks a name and sets its value.
  /// - Returns: false when no option has this name.
  /// - Throws: `MigrationError.unservedOption`; `.unreadableValue` for a boolean or a number that is none.
  package mutating func set(checking name: String, to value: String) throws(MigrationError) -> Bool {
    guard let (option, key) = MigrationOptions.find(name: name) else { return false }
    try set(option, key, to: value)
    return true
  }

  /// Sets the value of a known option. Throws as ``set(checking:to:)``.
  package mutating func set(_ option: MigrationOption, _ key: String?, to value: String)
    throws(MigrationError)
  {
    if case .refused(let reason, let harmless) = option.service {
      guard harmless.contains(where: { $0.lowercased() == value.lowercased() }) else {
        throw .unservedOption(option.name, reason: reason)
      }
      return
    }
    // Nothing is no value: the default stays, as in Flyway.
    if value.isEmpty, option.kind == .boolean || option.kind == .integer { return }
    switch option.kind {
    case .boolean where !["true", "false"].contains(value.lowercased()):
      throw .unreadableValue(name: option.name, value: value)
    case .integer where Int(value) == nil:
      throw .unreadableValue(name: option.name, value: value)
    case .duration where DurationText.milliseconds(value) == nil:
      throw .unreadableValue(name: option.name, value: value)
    case .boolean: values[option.name] = value.lowercased()
    case .text, .integer, .duration, .list, .map, .secret:
      values[key.map { option.name + "." + $0 } ?? option.name] = value
    }
  }
}
