import LibPQ

/// An index that `CREATE INDEX CONCURRENTLY` makes, as the catalogue has it. A build that fails or is cut off leaves it
/// INVALID: it costs every write and serves no query, and its name is taken.
struct ConcurrentIndex {
  let connection: Connection
  /// As the catalogue has it.
  let name: String
  /// As text for `to_regclass`.
  let table: String

  enum State: Equatable {
    case missing
    /// Its name as SQL writes it.
    case valid(String)
    case invalid(String)
    /// The process that builds it at this moment.
    case underConstruction(String, by: Int32)
  }

  func state() throws(ServerError) -> State {
    let found = try connection.query(
      """
      SELECT i.indisvalid, i.indexrelid::regclass::text, \(builder) FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = $2
      """, [table, name])
    guard found.count > 0, let name = found[0, 1] else { return .missing }
    if found[0, 0] == "t" { return .valid(name) }
    return found[0, 2].flatMap { Int32($0) }.map { .underConstruction(name, by: $0) } ?? .invalid(name)
  }

  private var builder: String {
    connection.serverVersion < 120_000
      ? "NULL"
      : "(SELECT min(p.pid) FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)"
  }

  /// Makes its name free, if an INVALID one has it.
  /// - Parameter tell: called with its name before it goes.
  func dropInvalid(_ tell: (String) -> Void) throws(ServerError) {
    guard case .invalid(let name) = try state() else { return }
    tell(name)
    try connection.execute("DROP INDEX CONCURRENTLY \(name)")
  }

  /// What to say of a build that failed just now; nil when it left nothing.
  var damage: String? {
    guard connection.isUsable, case .invalid(let name) = try? state() else { return nil }
    return
      "index \(name) is left INVALID: writes keep it up, no query uses it. The next migrate drops it and builds"
      + " it again; to be rid of it before: DROP INDEX CONCURRENTLY \(name);"
  }
}
