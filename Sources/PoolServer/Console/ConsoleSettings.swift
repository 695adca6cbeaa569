/// Who may use the console, and what it tells of the configuration.
package struct ConsoleSettings: Sendable {
  /// `admin_users`: everything. Besides, whoever the pool runs as, over the Unix socket.
  package var admins: [String] = []
  /// `stats_users`: SHOW.
  package var readers: [String] = []
  /// dbtool's.
  package var version = ""
  /// SHOW CONFIG. Without anything secret.
  package var keys: [Key] = []

  /// A key of the configuration.
  package struct Key: Equatable, Sendable {
    package var name: String
    package var value: String
    package var fallback: String
    /// By SET, while the pool runs.
    package var isChangeable: Bool

    package init(_ name: String, value: String, fallback: String, isChangeable: Bool) {
      self.name = name
      self.value = value
      self.fallback = fallback
      self.isChangeable = isChangeable
    }
  }

  /// What became of a SET.
  package enum Change: Sendable {
    case done
    /// There is no such key.
    case unknown(hint: String?)
    /// Only a restart, or the file, can change it.
    case fixed
    /// The value does not fit: continues a sentence that begins with the key.
    case wrong(what: String, hint: String?)
  }

  /// Changes one key, in ``keys``, too; the keys and what they take are not known here.
  package var change: (@Sendable (_ key: String, _ value: String, inout PoolSettings) -> Change)?

  package init() {}

  /// What the console's database is called; a database of `[[pool.databases]]` may take the name for itself.
  static let names: Set<String> = ["pgbouncer", "dbtool"]
}
