/// Files and history, matched: a state for each, in the order of `info`, and what is to be done next.
///
/// Versioned rows match files by version and type, repeatables by description. Source: Flyway 13; the rules and
/// the recorded cases are in the tests.
package struct MigrationPlan: Sendable {
  /// Every line of `info`. Rows of type DELETE that name a version are left out, as Flyway does.
  package let entries: [PlannedMigration]
  /// The highest version that counts as applied; nil on an empty schema.
  package let currentVersion: MigrationVersion?
  /// The applied baseline: nothing up to it is compared with files.
  package let baselineVersion: MigrationVersion?
  /// Undo migrations that have not been used. No lines of `info`, unless they are asked for by their state.
  package let available: [PlannedMigration]

  /// What decides states besides files and rows.
  package struct Policy: Sendable {
    package var target = MigrationTarget.latest
    package var outOfOrder = false

    package init(target: MigrationTarget = .latest, outOfOrder: Bool = false) {
      self.target = target
      self.outOfOrder = outOfOrder
    }
  }

  /// What `migrate` would apply, in order.
  package var pending: [PlannedMigration] { entries.filter { $0.state == .pending } }

  /// Rows of migrations that failed and were not repaired.
  package var failed: [PlannedMigration] { entries.filter { $0.state.isFailed } }

  /// - Parameters:
  ///   - resolved: in the order of ``ResolvedMigration/ordered(_:)``.
  ///   - applied: by installed rank.
  ///   - undos: the undo migrations' files; only what is said about migrations depends on them.
  /// - Throws: `MigrationError.missingTarget` when the target must exist and does not.
  package init(
    resolved: [ResolvedMigration], applied: [HistoryRow], policy: Policy = Policy(),
    undos: [ResolvedMigration] = []
  ) throws(MigrationError) {
    let files = LocalFiles(resolved)
    let history = try AppliedHistory(applied)
    let target = try Self.limit(policy.target, files, history, policy)
    let baseline = history.hasVersioned ? history.baseline : files.highestBaseline

    let undoFiles = UndoFiles(undos)
    var entries: [PlannedMigration] = []
    var matched = Set<VersionKey>()
    for (index, row) in applied.enumerated() {
      let file = row.type.isUndo ? undoFiles[row.version] : files.file(for: row)
      if let version = row.version, !row.type.isSynthetic, !history.isDeleted[index], !history.isUndone[index]
      {
        matched.insert(VersionKey(version: version, type: row.type))
      }
      if row.type == .delete, row.version != nil, row.success { continue }
      let state = Self.state(of: row, at: index, file: file, files: files, history: history)
      entries.append(PlannedMigration(applied: row, resolved: file, state: state))
    }

    var before: [PlannedMigration] = []
    var after: [PlannedMigration] = []
    for file in resolved {
      guard let version = file.version else {
        let name = HistoryRow.abbreviated(description: file.description)
        if history.hasApplied(file, named: name) { continue }
        after.append(
          PlannedMigration(applied: nil, resolved: file, state: file.config.isExecuted ? .pending : .ignored))
        continue
      }
      if matched.contains(VersionKey(version: version, type: file.type)) { continue }
      let state = Self.state(
        of: file, version: version, baseline: baseline, target: target, history: history,
        outOfOrder: policy.outOfOrder)
      let line = PlannedMigration(applied: nil, resolved: file, state: state)
      if state == .belowBaseline || state == .baselineIgnored {
        before.append(line)
      } else {
        after.append(line)
      }
    }
    self.entries = (before + entries + after).map { line in
      var line = line
      if !line.type.isUndo { line.undo = undoFiles[line.version] }
      return line
    }
    let used = Set(applied.filter { $0.type.isUndo && $0.success }.compactMap(\.version))
    available = undos.filter { file in file.version.map { !used.contains($0) } ?? false }.map {
      PlannedMigration(applied: nil, resolved: $0, state: .available)
    }
    currentVersion = history.highestVersion
    baselineVersion = history.baseline
  }

  // MARK: - States

  private static func state(
    of row: HistoryRow, at index: Int, file: ResolvedMigration?, files: LocalFiles, history: AppliedHistory
  ) -> MigrationState {
    if history.isUndone[index] { return .undone }
    if history.isDeleted[index] { return .deleted }
    if row.type.isUndo { return row.success ? .success : .failed }
    switch row.type {
    case .delete, .schema: return .success
    case .baseline: return .baseline
    default: break
    }
    // An older run of a repeatable is superseded, whether its file is there or not.
    if file == nil, row.version != nil || history.newestRepeatable[row.description] == index {
      let isOlder = row.version.map { version in files.highest.map { version < $0 } ?? false } ?? true
      if isOlder { return row.success ? .missing : .missingFailed }
      return row.success ? .future : .futureFailed
    }
    if !row.success { return .failed }
    if row.type.isBaselineMigration { return .baseline }
    guard row.version != nil else {
      guard history.newestRepeatable[row.description] == index else { return .superseded }
      return file?.matches(row.checksum) == true && !history.isShaken[index] ? .success : .outdated
    }
    return history.isOutOfOrder[index] ? .outOfOrder : .success
  }

  private static func state(
    of file: ResolvedMigration, version: MigrationVersion, baseline: MigrationVersion?,
    target: MigrationVersion?,
    history: AppliedHistory, outOfOrder: Bool
  ) -> MigrationState {
    // Something with a version has been applied, or a baseline that was deleted again.
    let isUsed = history.hasVersioned || history.baseline != nil
    if let baseline {
      if version < baseline { return .belowBaseline }
      if version == baseline {
        return file.type.isBaselineMigration && !isUsed ? .pending : .baselineIgnored
      }
    }
    if let target, version > target { return .aboveTarget }
    if !file.config.isExecuted { return .ignored }
    if !outOfOrder, let highest = history.highestVersion, version < highest { return .ignored }
    // A baseline migration comes too late once anything is there.
    return file.type.isBaselineMigration && isUsed ? .ignored : .pending
  }

  /// The version that nothing may pass; nil when there is no limit.
  private static func limit(
    _ target: MigrationTarget, _ files: LocalFiles, _ history: AppliedHistory, _ policy: Policy
  ) throws(MigrationError) -> MigrationVersion? {
    switch target {
    case .latest: return nil
    case .current: return history.highestVersion ?? .lowest
    case .version(let version, let mustExist):
      if mustExist, !files.versions.contains(version), !history.versions.contains(version) {
        throw .missingTarget(version.text)
      }
      return version
    case .next:
      // The first that would be pending without a limit; none: nothing is above it.
      let open = try MigrationPlan(
        resolved: files.all, applied: history.rows, policy: Policy(outOfOrder: policy.outOfOrder))
      return open.pending.first?.version
    }
  }
}

extension MigrationVersion {
  /// Below every version that can be written down in earnest: nothing versioned passes it.
  fileprivate static var lowest: MigrationVersion? {
    try? MigrationVersion("-" + String(repeating: "9", count: 60))
  }
}
