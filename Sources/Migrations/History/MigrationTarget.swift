/// How far `migrate` goes.
package enum MigrationTarget: Sendable, Equatable {
  case latest
  /// No versioned migration at all; repeatables still run.
  case current
  /// One migration, the first pending.
  case next
  /// Up to and including this version. It must be known, local or applied, unless it was written with `?`.
  case version(MigrationVersion, mustExist: Bool)

  /// - Throws: `MigrationError.invalidVersion`.
  package init(_ text: String) throws(MigrationError) {
    switch text.lowercased() {
    case "", "latest": self = .latest
    case "current": self = .current
    case "next": self = .next
    default:
      let optional = text.hasSuffix("?")
      self = .version(try MigrationVersion(optional ? String(text.dropLast()) : text), mustExist: !optional)
    }
  }
}
