/// What a first plan for a table is drafted from: the catalogue's facts, free of any catalogue.
package struct TableShape: Sendable, Equatable {
  package struct Unique: Sendable, Equatable {
    package var name: String
    package var columns: [String]
    /// Whether it covers the whole table by plain columns, so that it can know rows again.
    package var isKey: Bool

    package init(name: String, columns: [String], isKey: Bool = true) {
      self.name = name
      self.columns = columns
      self.isKey = isKey
    }
  }

  package struct ForeignKey: Sendable, Equatable {
    package var columns: [String]
    package var table: String
    package var referenced: [String]

    package init(columns: [String], table: String, referenced: [String]) {
      self.columns = columns
      self.table = table
      self.referenced = referenced
    }
  }

  /// Which rows the partitions take, by one column.
  package enum Partitions: Sendable, Equatable {
    case range(column: String, from: String, to: String)
    case list(column: String, values: [String])
  }

  /// As a plan names it: with its schema where that is needed.
  package var name: String
  package var columns: [ColumnShape]
  /// The primary key, if there is one, comes first.
  package var uniques: [Unique]
  package var foreignKeys: [ForeignKey]
  /// `pg_get_constraintdef` of each check.
  package var checks: [String]
  package var partitions: Partitions?

  package init(
    name: String, columns: [ColumnShape], uniques: [Unique] = [], foreignKeys: [ForeignKey] = [],
    checks: [String] = [], partitions: Partitions? = nil
  ) {
    self.name = name
    self.columns = columns
    self.uniques = uniques
    self.foreignKeys = foreignKeys
    self.checks = checks
    self.partitions = partitions
  }

  func column(_ name: String) -> ColumnShape? { columns.first { $0.name == name } }
}

package struct ColumnShape: Sendable, Equatable {
  package var name: String
  /// The type's own name, such as `int4`, that of an array's elements and that under a domain.
  package var type: String
  package var isArray: Bool
  /// The length of a text or bit type, or the number of digits of a numeric.
  package var length: Int?
  /// Of those digits, so many come after the point.
  package var scale: Int
  /// An enum's values.
  package var labels: [String]
  package var isNotNull: Bool
  package var hasDefault: Bool
  /// Whether the server numbers the rows by it.
  package var isNumbered: Bool
  package var isGenerated: Bool
  /// Checks of its domain, which speak of `VALUE`.
  package var domainChecks: [String]

  package init(
    _ name: String, _ type: String, isArray: Bool = false, length: Int? = nil, scale: Int = 0,
    labels: [String] = [], isNotNull: Bool = false, hasDefault: Bool = false, isNumbered: Bool = false,
    isGenerated: Bool = false, domainChecks: [String] = []
  ) {
    self.name = name
    self.type = type
    self.isArray = isArray
    self.length = length
    self.scale = scale
    self.labels = labels
    self.isNotNull = isNotNull
    self.hasDefault = hasDefault
    self.isNumbered = isNumbered
    self.isGenerated = isGenerated
    self.domainChecks = domainChecks
  }
}
