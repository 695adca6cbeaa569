import LibPQ

/// What the catalogue says about a table of the plan.
struct TableFacts: Sendable, Equatable {
  struct Column: Sendable, Equatable {
    var name: String
    var isNotNull: Bool
    var hasDefault: Bool
    /// `GENERATED ALWAYS AS (…)`: not writable.
    var isGenerated: Bool
    /// The sequence of an identity or serial column, quoted as SQL needs it.
    var sequence: String?
  }

  struct ForeignKey: Sendable, Equatable {
    var name: String
    /// The table that it points to, by oid.
    var target: String
    var columns: [String]
    var isDeferrable: Bool
  }

  /// As SQL needs it, schema included.
  var sqlName: String
  var oid: String
  var columns: [Column]
  /// Columns of each unique index that covers the whole table, by index name.
  var uniqueIndexes: [String: Set<String>]
  var foreignKeys: [ForeignKey]
  /// The columns of each constraint and unique index, by name.
  var constraints: [String: [String]]
  var isEmpty: Bool

  func column(_ name: String) -> Column? { columns.first { $0.name == name } }

  /// The column that numbers the rows by itself, when the plan does not write it.
  func identity(besides planned: [String]) -> Column? {
    columns.first { $0.sequence != nil && !planned.contains($0.name) }
  }

  /// SQL for the sequence that numbers a column, as a name: an identity's, a serial's, or one that its default takes
  /// numbers from.
  static func sequence(_ attribute: String) -> String {
    """
    coalesce(pg_get_serial_sequence(\(attribute).attrelid::regclass::text, \(attribute).attname), (
      SELECT d.refobjid::regclass::text
      FROM pg_attrdef AS f
      JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
      JOIN pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
      WHERE f.adrelid = \(attribute).attrelid AND f.adnum = \(attribute).attnum LIMIT 1))
    """
  }

  /// Nil when there is no such table. `name` may carry a schema.
  static func read(_ name: String, on connection: Connection) throws(ServerError) -> TableFacts? {
    let quoted = SQLName.quoted(dotted: name)
    let found = try connection.query(
      """
      SELECT c.oid, c.oid::regclass::text, n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')
      """, [quoted])
    guard found.count == 1, let oid = found[0, 0], let sqlName = found[0, 1] else { return nil }
    let columns = try connection.query(
      """
      SELECT a.attname, a.attnotnull OR t.typnotnull, a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
        a.attgenerated <> '', \(sequence("a"))
      FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
      WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum
      """, [oid])
    let indexes = try connection.query(
      """
      SELECT i.indexrelid::regclass::text, a.attname
      FROM pg_index AS i
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
      WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      """, [oid])
    let references = try connection.query(
      """
      SELECT c.conname, c.confrelid, c.condeferrable, a.attname, c.contype
      FROM pg_constraint AS c
      JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
      WHERE c.conrelid = $1::oid ORDER BY c.conname, a.attnum
      """, [oid])
    let isEmpty = try connection.query("SELECT NOT EXISTS (SELECT FROM \(sqlName))").first == "t"
    var uniqueIndexes: [String: Set<String>] = [:]
    for row in 0..<indexes.count {
      uniqueIndexes[indexes[row, 0] ?? "", default: []].insert(indexes[row, 1] ?? "")
    }
    var foreignKeys: [ForeignKey] = []
    var constraints = uniqueIndexes.mapValues { $0.sorted() }
    for row in 0..<references.count {
      let name = references[row, 0] ?? ""
      constraints[name, default: []].append(references[row, 3] ?? "")
      guard references[row, 4] == "f" else { continue }
      if foreignKeys.last?.name != name {
        foreignKeys.append(
          ForeignKey(
            name: name, target: references[row, 1] ?? "", columns: [], isDeferrable: references[row, 2] == "t"
          ))
      }
      foreignKeys[foreignKeys.count - 1].columns.append(references[row, 3] ?? "")
    }
    return TableFacts(
      sqlName: sqlName, oid: oid,
      columns: (0..<columns.count).map { row in
        Column(
          name: columns[row, 0] ?? "", isNotNull: columns[row, 1] == "t", hasDefault: columns[row, 2] == "t",
          isGenerated: columns[row, 3] == "t", sequence: columns[row, 4])
      },
      uniqueIndexes: uniqueIndexes, foreignKeys: foreignKeys, constraints: constraints,
      isEmpty: isEmpty)
  }
}

/// Names as SQL needs them.
enum SQLName {
  static func quoted(_ name: String) -> String {
    "\"" + name.flatMap { $0 == "\"" ? [$0, $0] : [$0] } + "\""
  }

  /// `schema.table` or `table`.
  static func quoted(dotted name: String) -> String {
    name.split(separator: ".", maxSplits: 1).map { quoted(String($0)) }.joined(separator: ".")
  }
}
