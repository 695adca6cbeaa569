/// What `repair` changes in the history. Source: Flyway 13, `repair`.
package struct RepairPlan: Sendable, Equatable {
  /// Rows of failed migrations: taken out.
  package let removed: [HistoryRow]
  /// Rows whose file is gone: each gets a DELETE row behind the last one. Rank and installer are set.
  package let deleted: [HistoryRow]
  /// Rows that are set to what the file says now.
  package let aligned: [Alignment]

  package struct Alignment: Sendable, Equatable {
    /// The row as it is.
    package var before: HistoryRow
    /// The row as it is to be.
    package var row: HistoryRow
    package var path: String
  }

  /// - Parameters:
  ///   - patterns: what they match is not marked as deleted.
  ///   - picks: `cherryPick`: of the failed rows only these are taken out; empty for all.
  package init(
    resolved: [ResolvedMigration], applied: [HistoryRow], ignoring patterns: IgnorePatterns,
    picks: [CherryPick] = [], installedBy: String
  ) throws(MigrationError) {
    let isRemoved = { (row: HistoryRow) in
      !row.success && (picks.isEmpty || picks.contains { $0.names(row.version, row.description) })
    }
    removed = applied.filter(isRemoved)
    let kept = applied.filter { !isRemoved($0) }
    let plan = try MigrationPlan(resolved: resolved, applied: kept)
    var rank = kept.last.map { $0.installedRank + 1 } ?? 1
    var deleted: [HistoryRow] = []
    var aligned: [Alignment] = []
    for entry in plan.entries {
      guard let row = entry.applied else { continue }
      if entry.state.isMissing || entry.state.isFuture {
        if patterns.match(isRepeatable: entry.isRepeatable, entry.state) { continue }
        var mark = row
        mark.installedRank = rank
        mark.type = .delete
        mark.installedBy = installedBy
        mark.executionTime = 0
        rank += 1
        deleted.append(mark)
      } else if let file = entry.resolved, entry.state != .undone, !row.type.isSynthetic, !row.type.isUndo {
        var right = row
        if row.version != nil {
          right.checksum = file.checksum
          right.description = HistoryRow.abbreviated(description: file.description)
        } else if row.checksum == file.equivalentChecksum {
          right.checksum = file.checksum
        }
        if right != row { aligned.append(Alignment(before: row, row: right, path: file.absolutePath)) }
      }
    }
    self.deleted = deleted
    self.aligned = aligned
  }

  /// Flyway's words for what was done.
  package var actions: [String] {
    var actions: [String] = []
    if !removed.isEmpty { actions.append("Removed failed migrations") }
    if !deleted.isEmpty { actions.append("Marked missing migrations as deleted") }
    if !aligned.isEmpty { actions.append("Aligned applied migration checksums") }
    return actions
  }
}
