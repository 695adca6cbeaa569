/// The undo migrations, findable by version.
package struct UndoFiles: Sendable {
  private let byVersion: [MigrationVersion: ResolvedMigration]

  package init(_ files: [ResolvedMigration]) {
    byVersion = Dictionary(
      files.compactMap { file in file.version.map { ($0, file) } }, uniquingKeysWith: { first, _ in first })
  }

  package subscript(version: MigrationVersion?) -> ResolvedMigration? { version.flatMap { byVersion[$0] } }

  /// Sorts what was found by version, and refuses two of one version.
  /// - Throws: `MigrationError.duplicateUndo`.
  package static func ordered(_ found: [ResolvedMigration]) throws(MigrationError) -> [ResolvedMigration] {
    let sorted = found.sorted { ResolvedMigration.isBefore($0, $1) }
    for (one, other) in zip(sorted, sorted.dropFirst()) where one.version == other.version {
      throw .duplicateUndo(
        one.version?.text ?? "", [one, other].map { "\($0.absolutePath) (\($0.type.rawValue))" })
    }
    return sorted
  }
}

/// What `undo` takes back, in order. Source: Flyway's manual, `undo`.
///
/// Without a target it is the versioned migration applied last; with one, all in the reverse of the order they
/// were applied in, until one is below the target: the target itself is undone, too. Baselines and repeatables
/// are never undone. A missing undo file refuses everything before anything is run: a schema half way to its
/// target is a version that nobody has tested. (Flyway undoes what comes before it and stops there.)
package struct UndoPlan: Sendable, Equatable {
  package struct Step: Sendable, Equatable {
    /// The migration's row.
    package var row: HistoryRow
    package var file: ResolvedMigration
  }

  package let steps: [Step]

  /// - Parameters:
  ///   - undos: the undo migrations' files.
  ///   - resolved: the other migrations' files; they say only whether a target exists.
  ///   - picks: `cherryPick`, undone from its end to its start; empty for none.
  /// - Throws: `MigrationError.missingUndo`, `.missingTarget`, `.notApplied`.
  package init(
    undos: [ResolvedMigration], resolved: [ResolvedMigration], applied: [HistoryRow], target: MigrationTarget,
    picks: [CherryPick] = [], naming: NamingRules = NamingRules()
  ) throws(MigrationError) {
    let history = try AppliedHistory(applied)
    let candidates = applied.indices.reversed().compactMap { index -> (HistoryRow, MigrationVersion)? in
      let row = applied[index]
      guard let version = row.version, !row.type.isSynthetic, !row.type.isUndo,
        !row.type.isBaselineMigration, !history.isDeleted[index], !history.isUndone[index]
      else { return nil }
      return (row, version)
    }
    var chosen: [(HistoryRow, MigrationVersion)] = []
    if !picks.isEmpty {
      for pick in picks.reversed() {
        guard let found = candidates.first(where: { pick.names($0.1, $0.0.description) }) else {
          throw .notApplied(pick.text)
        }
        if !chosen.contains(where: { $0.0.installedRank == found.0.installedRank }) { chosen.append(found) }
      }
    } else if case .version(let lowest, let mustExist) = target {
      if mustExist, !history.versions.contains(lowest), !resolved.contains(where: { $0.version == lowest }) {
        throw .missingTarget(lowest.text)
      }
      chosen = Array(candidates.prefix { $0.1 >= lowest })
    } else {
      chosen = Array(candidates.prefix(1))
    }

    let files = UndoFiles(undos)
    var steps: [Step] = []
    for (row, version) in chosen {
      guard let file = files[version] else {
        let name = row.description.map { $0 == " " ? "_" : $0 }
        throw .missingUndo(
          version: version.text,
          example: naming.undo + version.text + naming.separator + String(name)
            + (naming.suffixes.first ?? ""))
      }
      steps.append(Step(row: row, file: file))
    }
    self.steps = steps
  }
}
