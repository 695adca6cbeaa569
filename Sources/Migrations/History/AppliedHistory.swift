/// The history rows, read once: which are deleted or out of order, and how far they reach.
struct AppliedHistory: Sendable {
  let rows: [HistoryRow]
  /// By row: a later DELETE of the same version or description covers it.
  let isDeleted: [Bool]
  /// By row: a greater version had been applied before.
  let isOutOfOrder: [Bool]
  /// By description: the newest row of a repeatable that is not deleted, as an index.
  let newestRepeatable: [String: Int]
  let highestVersion: MigrationVersion?
  /// The version of the BASELINE or baseline migration's row.
  let baseline: MigrationVersion?
  /// Every version with a row, deleted ones too.
  let versions: Set<MigrationVersion>
  /// Whether anything with a version has been applied.
  let hasVersioned: Bool

  init(_ rows: [HistoryRow]) {
    var isDeleted = [Bool](repeating: false, count: rows.count)
    var openVersions: [MigrationVersion: [Int]] = [:]
    var openRepeatables: [String: [Int]] = [:]
    for (index, row) in rows.enumerated() {
      if row.type == .delete {
        guard row.success else { continue }
        let covered =
          row.version.map { openVersions.removeValue(forKey: $0) }
          ?? openRepeatables.removeValue(forKey: row.description)
        for other in covered ?? [] { isDeleted[other] = true }
      } else if let version = row.version {
        openVersions[version, default: []].append(index)
      } else if row.type != .schema {
        openRepeatables[row.description, default: []].append(index)
      }
    }

    var isOutOfOrder = [Bool](repeating: false, count: rows.count)
    var highest: MigrationVersion?
    var baseline: MigrationVersion?
    var versions = Set<MigrationVersion>()
    var newest: [String: Int] = [:]
    for (index, row) in rows.enumerated() where row.type != .delete {
      guard let version = row.version else {
        if row.type != .schema, !isDeleted[index] { newest[row.description] = index }
        continue
      }
      versions.insert(version)
      if isDeleted[index] { continue }
      if row.type == .baseline || row.type.isBaselineMigration { baseline = version }
      if let reached = highest, version <= reached {
        isOutOfOrder[index] = true
      } else {
        highest = version
      }
    }
    self.rows = rows
    self.isDeleted = isDeleted
    self.isOutOfOrder = isOutOfOrder
    newestRepeatable = newest
    highestVersion = highest
    self.baseline = baseline
    self.versions = versions
    hasVersioned = highest != nil
  }
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
    highestBaseline = all.filter { $0.type.isBaselineMigration }.compactMap(\.version).max()
  }

  func file(for row: HistoryRow) -> ResolvedMigration? {
    if row.type == .schema || row.type == .baseline { return nil }
    guard let version = row.version else { return byDescription[row.description] }
    return byVersion[VersionKey(version: version, type: row.type == .delete ? .sql : row.type)]
  }
}
