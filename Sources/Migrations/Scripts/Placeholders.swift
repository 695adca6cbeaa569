/// The names that `${…}` may stand for, and how such a place is written.
///
/// Names are compared without case; there is no escape. Source: Flyway 13, placeholders.
package struct Placeholders: Sendable, Equatable {
  package var prefix = "${"
  package var suffix = "}"
  /// Between `flyway` and the name in the built-in ones, `${flyway:user}`.
  package var separator = ":"
  private var values: [String: String] = [:]

  package init() {}

  /// Sets a value; a later one of the same name wins, whatever the case.
  package mutating func set(_ name: String, to value: String) { values[name.lowercased()] = value }

  /// Sets the built-in `flyway:name`.
  package mutating func setBuiltIn(_ name: String, to value: String) {
    set("flyway" + separator + name, to: value)
  }

  /// - Throws: `MigrationError.missingPlaceholder`, or `.unknownBuiltInPlaceholder` for `flyway:…`, whatever the separator
  ///   is (Flyway 13).
  package func value(of name: String) throws(MigrationError) -> String {
    if let value = values[name.lowercased()] { return value }
    let written = prefix + name + suffix
    if name.contains("flyway:") { throw .unknownBuiltInPlaceholder(written) }
    throw .missingPlaceholder(written)
  }
}
