/// The history rows, read once: which are deleted, undone or out of order, and how far they reach.
struct AppliedHistory: Sendable {
  let rows: [HistoryRow]
  /// By row: a later DELETE of the same version or description covers it, the newest such row only.
  let isDeleted: [Bool]
  /// By row: a later undo migration took it back.
  let isUndone: [Bool]
  /// By row: a repeatable's newest, and a migration that had been there before it was undone after it. It may
  /// stand on what is gone, so it is run again.
  let isShaken: [Bool]
  /// By row: a greater version had been applied before.
  let isOutOfOrder: [Bool]
  /// By description: the newest row without a version, as an index; a DELETE counts.
  let newestRepeatable: [String: Int]
  let highestVersion: MigrationVersion?
  /// The highest version of a BASELINE or baseline migration's row, deleted ones too.
  let baseline: MigrationVersion?
  /// Every version with a row, deleted ones too.
  let versions: Set<MigrationVersion>
  /// Whether anything with a version has been applied.
  let hasVersioned: Bool

  /// - Throws: `MigrationError.deletedTwice` when a DELETE finds nothing left to cover.
  init(_ rows: [HistoryRow]) throws(MigrationError) {
    var isDeleted = [Bool](repeating: false, count: rows.count)
    var isUndone = [Bool](repeating: false, count: rows.count)
    var isShaken = [Bool](repeating: false, count: rows.count)
    var newestVersion: [MigrationVersion: Int] = [:]
    var newestOpen: [String: Int] = [:]
    var newest: [String: Int] = [:]
    var baseline: MigrationVersion?
    for (index, row) in rows.enumerated() {
      if row.type == .delete, row.success {
        if let version = row.version {
          if let covered = newestVersion[version] {
            if isDeleted[covered] { throw .deletedTwice(version.text) }
            isDeleted[covered] = true
          }
          continue
        }
        if let covered = newestOpen[row.description] { isDeleted[covered] = true }
      } else if row.type.isUndo {
        if row.success, let undone = row.version.flatMap({ newestVersion[$0] }), !isDeleted[undone] {
          isUndone[undone] = true
          for later in undone..<index where rows[later].isRepeatable { isShaken[later] = true }
        }
        continue
      }
      guard let version = row.version else {
        newest[row.description] = index
        if !row.type.isSynthetic { newestOpen[row.description] = index }
        continue
      }
      if row.type == .baseline || row.type.isBaselineMigration {
        baseline = max(baseline ?? version, version)
      }
      if !row.type.isSynthetic { newestVersion[version] = index }
    }

    var isOutOfOrder = [Bool](repeating: false, count: rows.count)
    var highest: MigrationVersion?
    var versions = Set<MigrationVersion>()
    for (index, row) in rows.enumerated() {
      guard let version = row.version, row.type != .delete, !row.type.isUndo else { continue }
      versions.insert(version)
      if isDeleted[index] || isUndone[index] { continue }
      if let reached = highest, version <= reached {
        isOutOfOrder[index] = true
      } else {
        highest = version
      }
    }
    self.rows = rows
    self.isDeleted = isDeleted
    self.isUndone = isUndone
    self.isShaken = isShaken
    self.isOutOfOrder = isOutOfOrder
    newestRepeatable = newest
    highestVersion = highest
    self.baseline = baseline
    self.versions = versions
    hasVersioned = highest != nil
  }

  /// Whether the newest row of a repeatable says that it is there as this file has it.
  func hasApplied(_ file: ResolvedMigration, named description: String) -> Bool {
    guard let newest = newestRepeatable[description], !isDeleted[newest], !isShaken[newest],
      rows[newest].type != .delete
    else { return false }
    return file.matches(rows[newest].checksum)
  }
}

extension HistoryRow {
  /// A row that a repeatable migration left.
  fileprivate var isRepeatable: Bool { version == nil && !type.isSynthetic }
}

/// A versioned migration's identity: files and rows match by it.
struct VersionKey: Hashable, Sendable {
  let version: MigrationVersion
  let type: MigrationType
}

/// The files, findable as history rows name them.
struct LocalFiles: Sendable {
  let all: [ResolvedMigration]
  let versions: Set<MigrationVersion>
  /// The highest version of any file.
  let highest: MigrationVersion?
  /// The highest version of a baseline migration.
  let highestBaseline: MigrationVersion?
  private let byVersion: [VersionKey: ResolvedMigration]
  private let byDescription: [String: ResolvedMigration]

  init(_ all: [ResolvedMigration]) {
    self.all = all
    var byVersion: [VersionKey: ResolvedMigration] = [:]
    var byDescription: [String: ResolvedMigration] = [:]
    for file in all {
      if let version = file.version {
        byVersion[VersionKey(version: version, type: file.type)] = file
      } else {
        byDescription[HistoryRow.abbreviated(description: file.description)] = file
      }
    }
    self.byVersion = byVersion
    self.byDescription = byDescription
    versions = Set(all.compactMap(\.version))
    highest = all.compactMap(\.version).max()
    highestBaseline = all.filter { $0.type.isBaselineMigration && $0.config.isExecuted }
      .compactMap(\.version).max()
  }

  func file(for row: HistoryRow) -> ResolvedMigration? {
    if row.type == .schema || row.type == .baseline || row.type.isUndo { return nil }
    guard let version = row.version else { return byDescription[row.description] }
    return byVersion[VersionKey(version: version, type: row.type == .delete ? .sql : row.type)]
  }
}
