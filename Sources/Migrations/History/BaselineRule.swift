/// Whether a history that exists may be baselined. Source: Flyway 13, `baseline`.
package enum BaselineRule {
  /// - Parameter table: quoted, for the message.
  /// - Throws: `MigrationError.baselineRefused`. Nothing is to be done when it returns: the baseline is there.
  package static func check(
    _ rows: [HistoryRow], version: MigrationVersion, description: String, table: String
  ) throws(MigrationError) {
    let start = "Unable to baseline schema history table \(table)"
    if let row = rows.prefix(2).first(where: { $0.type == .baseline }) {
      if row.version == version, row.description == description { return }
      throw .baselineRefused(
        "\(start) with (\(version.text),\(description)) as it has already been baselined with"
          + " (\(row.version?.text ?? ""),\(row.description))")
    }
    let hasSchema = rows.first?.type == .schema
    if hasSchema, (try? MigrationVersion("0")) == version {
      throw .baselineRefused("\(start) with version 0 as this version was used for schema creation")
    }
    if rows.contains(where: { !$0.type.isSynthetic }) {
      throw .baselineRefused("\(start) as it already contains migrations")
    }
    let again = "\nDelete the schema history table, and run baseline again."
    throw .baselineRefused(
      "\(start) as it already " + (rows.isEmpty ? "exists, and is empty." : "contains migrations.") + again)
  }
}
