import LibPQ
import Migrations

/// What a command must know of the database before it starts: asked once.
struct SchemaFacts {
  let database: String
  let user: String
  let originalSearchPath: String
  /// The history's schema, and where unqualified names go.
  let defaultSchema: String
  /// All schemas that are managed, the default one among them.
  let schemas: [String]
  /// The server's process that answered first, which is our session's for good unless a pooler lends it.
  let process: Int32
  /// Whether a pooler may lend another session for each transaction.
  let isPooled: Bool
  /// `lock_timeout = 3000`: what the options ask for, in milliseconds.
  private let limits: [String]

  init(_ connection: Connection, _ settings: MigrationSettings) throws(MigrationFailure) {
    let row: Rows
    do throws(ServerError) {
      row = try connection.query(
        "SELECT current_database(), current_user, current_setting('search_path'), current_schema(),"
          + " pg_catalog.pg_backend_pid()")
    } catch {
      throw MigrationFailure(error)
    }
    database = row[0, 0] ?? ""
    user = row[0, 1] ?? ""
    originalSearchPath = row[0, 2] ?? ""
    process = row[0, 4].flatMap { Int32($0) } ?? 0
    // Certain: a direct connection is told the number of its own process. That it is a session for good all the
    // same only the user can know.
    isPooled =
      connection.backendPID != process && settings.values["postgresql.transactional.lock"] != "false"
    limits = [("lock_timeout", "lockTimeout"), ("statement_timeout", "statementTimeout")].compactMap {
      let milliseconds = settings.milliseconds($0.1)
      return milliseconds > 0 ? "\($0.0) = \(milliseconds)" : nil
    }
    let listed = settings.list("schemas")
    guard let schema = settings.optional("defaultSchema") ?? listed.first ?? row[0, 3] else {
      throw MigrationFailure(
        Failure(
          "Unable to determine schema for the schema history table",
          hint: "name one with --default-schema, or give the user a search_path with a schema that exists"))
    }
    defaultSchema = schema
    schemas = listed.contains(schema) ? listed : listed + [schema]
  }

  /// Flyway's way: always quoted.
  static func quoted(_ name: String) -> String { "\"" + doubling("\"", in: name) + "\"" }

  /// A string literal that means the same whatever `standard_conforming_strings` says.
  static func literal(_ text: String) -> String {
    let quoted = doubling("'", in: text)
    return quoted.utf8.contains(UInt8(ascii: "\\"))
      ? " E'" + doubling("\\", in: quoted) + "'" : "'" + quoted + "'"
  }

  /// Scalar by scalar: as a Swift character, a quote with an accent behind it would not be a quote.
  private static func doubling(_ mark: Unicode.Scalar, in text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == mark { result.append(mark) }
      result.append(scalar)
    }
    return String(result)
  }

  /// Role, search path and limits as they were at the start, the default schema in front. One round trip.
  var resetStatement: String { resetStatements.joined(separator: "; ") }

  /// The statements of ``resetStatement``.
  var resetStatements: [String] {
    let schema = Self.quoted(defaultSchema)
    let isFirst = originalSearchPath == defaultSchema || originalSearchPath.hasPrefix(defaultSchema + ",")
    let path =
      isFirst || originalSearchPath.isEmpty
      ? (originalSearchPath.isEmpty ? schema : originalSearchPath) : "\(schema),\(originalSearchPath)"
    return [
      "\(set) ROLE \(Self.quoted(user))",
      "SELECT pg_catalog.set_config('search_path', \(Self.literal(path)), \(isPooled))",
    ] + limits.map { "\(set) \($0)" }
  }

  private var set: String { isPooled ? "SET LOCAL" : "SET" }

  /// The limits for the whole session; empty when there are none, or no session.
  var limitStatement: String { isPooled ? "" : limits.map { "SET \($0)" }.joined(separator: "; ") }

  /// Open a transaction. Behind a pooler the lock is taken in it, and what is read after that must be as new as
  /// the lock.
  var beginStatements: [String] {
    isPooled ? ["BEGIN ISOLATION LEVEL READ COMMITTED"] + limits.map { "SET LOCAL \($0)" } : ["BEGIN"]
  }

  /// End a transaction that a script ran in. Behind a pooler the session is another client's next, and what the
  /// script set is taken back.
  var commitStatements: [String] {
    isPooled
      ? [
        "RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "DISCARD TEMP",
        "SELECT pg_catalog.pg_advisory_unlock_all()", "COMMIT",
      ] : ["COMMIT"]
  }

  /// The managed schemas that do not exist.
  func missingSchemas(_ connection: Connection) throws(ServerError) -> [String] {
    var missing: [String] = []
    for schema in schemas {
      let found = try connection.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema])
      if found.count == 0 { missing.append(schema) }
    }
    return missing
  }

  /// The managed schemas that hold anything which no extension brought.
  func nonEmptySchemas(_ connection: Connection) throws(ServerError) -> [String] {
    var found: [String] = []
    for schema in schemas where try connection.query(Self.emptiness, [schema]).count > 0 {
      found.append(schema)
    }
    return found
  }

  /// Flyway's list: materialized views, partitioned and foreign tables and composite types do not count.
  private static let emptiness = """
    SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1 AND (
      EXISTS (SELECT 1 FROM pg_catalog.pg_class c
        WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v', 'S', 't')
          AND c.relname <> 'dbtool_progress' AND NOT EXISTS (
          SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_type t
        WHERE t.typnamespace = n.oid AND t.typcategory NOT IN ('A', 'C') AND NOT EXISTS (
          SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e'))
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')))
    """
}
