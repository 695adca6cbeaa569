extension RepairPlan {
  /// What is going to change, a line for each row, the old value before the new one.
  package var lines: [String] {
    removed.map { "row \($0.installedRank), \(Self.name($0)): failed; it is removed" }
      + deleted.map { "\(Self.name($0)): its file is gone; row \($0.installedRank) marks it as deleted" }
      + aligned.map { change in
        let old = change.before
        let new = change.row
        var changes: [String] = []
        if old.checksum != new.checksum { changes.append("checksum \(Self.text(old)) → \(Self.text(new))") }
        if old.description != new.description {
          changes.append("description \"\(old.description)\" → \"\(new.description)\"")
        }
        if old.type != new.type { changes.append("type \(old.type.rawValue) → \(new.type.rawValue)") }
        return "row \(old.installedRank), \(Self.name(old)): " + changes.joined(separator: ", ")
      }
  }

  private static func name(_ row: HistoryRow) -> String {
    row.version.map { "version \($0.text) (\(row.description))" } ?? "repeatable \"\(row.description)\""
  }

  private static func text(_ row: HistoryRow) -> String { row.checksum.map { String($0) } ?? "none" }
}
