private import Glibc
import LibPQ
import SeedData

/// Reads what a first plan is drafted from: the ordinary and partitioned tables of a database, without those of the
/// system and of extensions, and without histories of migrations.
package struct SchemaReading {
  private let connection: Connection

  /// The text of a first plan for the database's tables. Only reads.
  /// - Throws: `Failure`, also when there are no tables.
  package static func draft(on target: DatabaseTarget) throws(Failure) -> String {
    let connection = try target.connect()
    defer { connection.close() }
    let tables: [TableShape]
    do throws(ServerError) { tables = try SchemaReading(connection: connection).tables() } catch {
      throw Failure(error)
    }
    guard !tables.isEmpty else {
      throw Failure("the database has no tables to plan for", hint: "create them first: dbtool migrate")
    }
    return PlanDraft(tables, clock: CivilTime.day(Int64(time(nil)))).text
  }

  private struct Table {
    var oid: String
    var shape: TableShape
    var isPartitioned: Bool
  }

  private func tables() throws(ServerError) -> [TableShape] {
    let found = try connection.query(
      """
      SELECT c.oid, CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END,
        c.relkind = 'p'
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND c.relname NOT IN ('flyway_schema_history', 'dbtool_progress', 'schema_migrations')
        AND NOT EXISTS (
          SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 2
      """)
    var tables: [Table] = []
    for row in 0..<found.count {
      tables.append(
        Table(
          oid: found[row, 0] ?? "", shape: TableShape(name: found[row, 1] ?? "", columns: []),
          isPartitioned: found[row, 2] == "t"))
    }
    for index in tables.indices {
      let oid = tables[index].oid
      tables[index].shape.columns = try columns(oid)
      tables[index].shape.uniques = try uniques(oid)
      tables[index].shape.foreignKeys = try foreignKeys(oid, tables)
      tables[index].shape.checks = try checks("conrelid", oid)
      if tables[index].isPartitioned { tables[index].shape.partitions = try partitions(oid) }
    }
    return tables.map(\.shape)
  }

  private func columns(_ table: String) throws(ServerError) -> [ColumnShape] {
    let found = try connection.query(
      """
      WITH RECURSIVE base AS (
        SELECT attnum, atttypid AS type, atttypmod AS modifier, 0::oid AS domain, false AS is_not_null
        FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT b.attnum, t.typbasetype, CASE WHEN b.modifier >= 0 THEN b.modifier ELSE t.typtypmod END, t.oid,
          b.is_not_null OR t.typnotnull
        FROM base AS b JOIN pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'
      )
      SELECT a.attname, coalesce(e.typname, t.typname), e.oid IS NOT NULL, b.modifier, coalesce(e.oid, t.oid),
        coalesce(e.typtype, t.typtype) = 'e', a.attnotnull OR b.is_not_null,
        a.atthasdef AND a.attgenerated = '' OR a.attidentity <> '', \(TableFacts.sequence("a")) IS NOT NULL,
        a.attgenerated <> '', b.domain
      FROM base AS b
      JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
      LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'
      JOIN pg_attribute AS a ON a.attrelid = $1::oid AND a.attnum = b.attnum
      ORDER BY a.attnum
      """, [table])
    var columns: [ColumnShape] = []
    for row in 0..<found.count {
      var column = ColumnShape(
        found[row, 0] ?? "", found[row, 1] ?? "", isArray: found[row, 2] == "t",
        isNotNull: found[row, 6] == "t",
        hasDefault: found[row, 7] == "t", isNumbered: found[row, 8] == "t", isGenerated: found[row, 9] == "t")
      let modifier = found[row, 3].flatMap { Int($0) } ?? -1
      // Source: PostgreSQL, the types' own typmodout functions.
      switch column.type {
      case "varchar", "bpchar": column.length = modifier > 4 ? modifier - 4 : nil
      case "bit", "varbit": column.length = modifier > 0 ? modifier : nil
      case "numeric" where modifier > 4:
        column.length = (modifier - 4) >> 16
        column.scale = (modifier - 4) & 0x7FF
      default: break
      }
      if found[row, 5] == "t" {
        let labels = try connection.query(
          "SELECT enumlabel FROM pg_enum WHERE enumtypid = $1::oid ORDER BY enumsortorder", [found[row, 4]])
        column.labels = (0..<labels.count).compactMap { labels[$0, 0] }
      }
      if let domain = found[row, 10], domain != "0" { column.domainChecks = try checks("contypid", domain) }
      columns.append(column)
    }
    return columns
  }

  private func uniques(_ table: String) throws(ServerError) -> [TableShape.Unique] {
    let found = try connection.query(
      """
      SELECT x.relname, i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL, a.attname
      FROM pg_index AS i
      JOIN pg_class AS x ON x.oid = i.indexrelid
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND (
        a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        OR i.indexprs IS NOT NULL AND EXISTS (
          SELECT FROM pg_depend AS d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
      WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) AND a.attnum > 0
      ORDER BY i.indisprimary DESC, x.relname, array_position(i.indkey::int2[], a.attnum), a.attnum
      """, [table])
    var uniques: [TableShape.Unique] = []
    for row in 0..<found.count {
      let name = found[row, 0] ?? ""
      if uniques.last?.name != name {
        uniques.append(TableShape.Unique(name: name, columns: [], isKey: found[row, 1] == "t"))
      }
      uniques[uniques.count - 1].columns.append(found[row, 2] ?? "")
    }
    return uniques
  }

  private func foreignKeys(_ table: String, _ tables: [Table]) throws(ServerError) -> [TableShape.ForeignKey]
  {
    let found = try connection.query(
      """
      SELECT c.oid, c.confrelid, a.attname, b.attname
      FROM pg_constraint AS c
      CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY AS pair (own, other, place)
      JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = pair.own
      JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = pair.other
      WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = $1::oid
      ORDER BY c.conname, c.oid, pair.place
      """, [table])
    var keys: [TableShape.ForeignKey] = []
    var last: String?
    for row in 0..<found.count {
      let target = tables.first { $0.oid == found[row, 1] }?.shape.name ?? "a table elsewhere"
      if found[row, 0] != last {
        keys.append(TableShape.ForeignKey(columns: [], table: target, referenced: []))
      }
      last = found[row, 0]
      keys[keys.count - 1].columns.append(found[row, 2] ?? "")
      keys[keys.count - 1].referenced.append(found[row, 3] ?? "")
    }
    return keys
  }

  /// - Parameter owner: `conrelid` for a table's, `contypid` for a domain's.
  private func checks(_ owner: String, _ oid: String) throws(ServerError) -> [String] {
    let found = try connection.query(
      "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND \(owner) = $1::oid ORDER BY conname",
      [oid])
    return (0..<found.count).compactMap { found[$0, 0] }
  }

  /// What the partitions take; nil when they take everything, or more than one column decides.
  private func partitions(_ table: String) throws(ServerError) -> TableShape.Partitions? {
    let found = try connection.query(
      """
      SELECT p.partstrat, a.attname, pg_get_expr(c.relpartbound, c.oid)
      FROM pg_partitioned_table AS p
      JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
      JOIN pg_inherits AS i ON i.inhparent = p.partrelid
      JOIN pg_class AS c ON c.oid = i.inhrelid
      WHERE p.partrelid = $1::oid AND p.partnatts = 1
      """, [table])
    let bounds = (0..<found.count).map { found[$0, 2] ?? "" }
    guard found.count > 0, let column = found[0, 1], !bounds.contains("DEFAULT") else { return nil }
    if found[0, 0] == "l" {
      return .list(column: column, values: bounds.flatMap { PartitionBound.values($0) })
    }
    guard found[0, 0] == "r" else { return nil }
    let ranges = bounds.map { PartitionBound.values($0) }.filter { $0.count == 2 }
      .sorted { one, other in
        guard let one = Int(one[0]), let other = Int(other[0]) else { return one[0] < other[0] }
        return one < other
      }
    guard let first = ranges.first else { return nil }
    var end = first[1]
    for range in ranges.dropFirst() where range[0] == end { end = range[1] }
    // Of a time the day is enough.
    func day(_ text: String) -> String { Int(text) == nil ? String(text.prefix(10)) : text }
    return .range(column: column, from: day(first[0]), to: day(end))
  }
}

/// `FOR VALUES FROM ('2022-01-01') TO ('2022-02-01')`, `FOR VALUES IN ('a', 'b')`.
enum PartitionBound {
  /// The literals of a bound, in order.
  static func values(_ bound: String) -> [String] {
    var values: [String] = []
    var isInText = false
    var value = ""
    for character in bound.drop(while: { $0 != "(" }) {
      if isInText {
        if character == "'" {
          isInText = false
          values.append(value)
          value = ""
        } else {
          value.append(character)
        }
      } else if character == "'" {
        isInText = true
      } else if character.isNumber || character == "-" {
        value.append(character)
      } else if !value.isEmpty {
        values.append(value)
        value = ""
      }
    }
    return values
  }
}
