import LibPQ
import Migrations

/// What `clean` did.
package struct CleanResult: Sendable {
  package var cleaned: [String] = []
  package var dropped: [String] = []
  package var warnings: [String] = []
}

extension MigrationSession {
  /// Empties the managed schemas; those that the history's first row says were created here are dropped.
  package func clean() throws(MigrationFailure) -> CleanResult {
    if settings.flag("cleanDisabled") { throw MigrationFailure(MigrationError.cleanDisabled) }
    return try around(.beforeClean, .afterClean, .afterCleanError) { () throws(MigrationFailure) in
      // Only a history that begins with the making of schemas says which are ours (Flyway 13).
      let first = try history.rows().first
      let created = Set(first?.type == .schema ? first?.script.split(separator: ",") ?? [] : [])
      let missing = try missingSchemas()
      var result = CleanResult()
      for schema in facts.schemas {
        if missing.contains(schema) {
          result.warnings.append("Unable to clean unknown schema: \(SchemaFacts.quoted(schema))")
        } else if created.contains(Substring(SchemaFacts.quoted(schema))) {
          try send("DROP SCHEMA \(SchemaFacts.quoted(schema)) CASCADE")
          result.dropped.append(schema)
        } else {
          try transaction { () throws(MigrationFailure) in try empty(schema) }
          result.cleaned.append(schema)
        }
      }
      for warning in result.warnings { talk.warn(warning) }
      return result
    }
  }

  /// Drops everything in a schema, kind by kind; what depends on it goes along.
  private func empty(_ schema: String) throws(MigrationFailure) {
    try ask { (connection) throws(ServerError) in
      for query in Self.droppings {
        // One drop may take others along, so each round looks again.
        while let statement = try connection.query(query, [schema]).first {
          try connection.execute(statement)
        }
      }
    }
  }

  /// Each answers the statement that drops the next object of a kind, or nothing.
  private static let droppings: [String] = [
    """
    SELECT format('DROP EXTENSION %I CASCADE', e.extname) FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace JOIN pg_catalog.pg_roles r ON r.oid = e.extowner
    WHERE n.nspname = $1 AND r.rolname = current_user AND e.extname <> 'plpgsql' LIMIT 1
    """,
    """
    SELECT format('DROP %s %I.%I CASCADE', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'v' THEN 'VIEW'
      WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
      n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('m', 'v', 'r', 'p', 'f', 'S', 'c') AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
        AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY array_position(ARRAY['m', 'v', 'p', 'r', 'f', 'S', 'c']::"char"[], c.relkind), c.oid LIMIT 1
    """,
    """
    SELECT format('DROP %s %I.%I(%s) CASCADE', CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE'
      ELSE 'FUNCTION' END, n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass
        AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    ORDER BY p.oid LIMIT 1
    """,
    """
    SELECT format('DROP %s %I.%I CASCADE', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
      n.nspname, t.typname)
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typcategory <> 'A' AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::regclass
        AND d.objid = t.oid AND d.deptype IN ('e', 'i'))
    ORDER BY t.oid LIMIT 1
    """,
    """
    SELECT format('DROP COLLATION %I.%I CASCADE', n.nspname, c.collname)
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE n.nspname = $1 AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_collation'::regclass
        AND d.objid = c.oid AND d.deptype = 'e')
    LIMIT 1
    """,
  ]
}
