/// How a column's values are made, as the plan says it. Names are looked up later, by ``CompiledPlan``.
package enum Generator: Sendable, Equatable {
  case template(Template)
  /// One of `values`; with weights as many.
  case choice([String], weights: [UInt64]?)
  /// A whole number, both ends included.
  case integer(Bound, Bound)
  /// A price, even on a logarithmic scale: as many between 10 and 100 as between 100 and 1000. The last two
  /// digits are one of `endings`, if there are any.
  case money(Bound, Bound, endings: [Int64])
  case time(TimeRule)
  /// So many lower-case hexadecimal digits.
  case hex(digits: Int)
  /// A version 4 UUID.
  case uuid
  /// A column of some row of another table. `zipf`, with 32 binary places, makes low rows frequent. Distinct
  /// ones do not repeat under one parent; in a table without a parent, no two rows have the same combination of
  /// all its distinct references. Dealt ones take the rows in turn. `matching` keeps to rows that agree with
  /// this one.
  case reference(
    table: String, column: String, zipf: UInt64?, isDistinct: Bool, isDealt: Bool = false,
    matching: [ColumnMatch] = [])
  /// A column of the parent's row.
  case parent(table: String, column: String)
  /// The sum of a column over the rows that belong to this one.
  case sum(table: String, column: String)
  /// The product of columns of this row.
  case multiply([String])
  /// Row n has the n-th of these; nil is NULL.
  case given([String?])
  /// An expression that the server works out; it may name the row's other written columns.
  case expression(String)
}

/// A column of a referenced row that must hold what a column of the referring row holds.
package struct ColumnMatch: Sendable, Equatable {
  package var referenced: String
  package var own: String

  package init(referenced: String, own: String) {
    self.referenced = referenced
    self.own = own
  }
}

/// An end of a range: a number, or a field of a list's pick.
package enum Bound: Sendable, Equatable {
  case value(Int64)
  case field(list: String, field: String)
}

/// A moment between two ends, in whole seconds.
package struct TimeRule: Sendable, Equatable {
  /// Seconds since 1970; `to` itself is not reached.
  package var from: Int64
  package var to: Int64
  /// How busy each hour of the day is, in UTC; empty, or twenty-four weights.
  package var hours: [UInt64]
  /// Days, by their number since 1970, that are so many times as busy as others.
  package var peaks: [Peak]

  package struct Peak: Sendable, Equatable {
    package var day: Int64
    package var times: UInt64

    /// - Parameter second: any second of the day, since 1970.
    package init(second: Int64, times: UInt64) {
      day = CivilTime.day(ofSecond: second)
      self.times = times
    }
  }

  package init(from: Int64, to: Int64, hours: [UInt64] = [], peaks: [Peak] = []) {
    self.from = from
    self.to = to
    self.hours = hours
    self.peaks = peaks
  }
}
