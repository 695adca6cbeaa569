/// What a SHOW of the console answers with.
package struct ConsoleTable: Equatable, Sendable {
  package var columns: [ConsoleColumn]
  /// Each has as many cells as there are columns.
  package var rows: [[ConsoleCell]]

  package init(_ columns: [ConsoleColumn], _ rows: [[ConsoleCell]] = []) {
    self.columns = columns
    self.rows = rows
  }
}

/// A column by name and type.
package struct ConsoleColumn: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    /// `text`
    case text
    /// `int8`, in whatever range: clients that read `int4` columns take it as well.
    case number

    /// Source: pg_type.dat.
    package var typeOID: UInt32 { self == .text ? 25 : 20 }
    package var typeSize: Int16 { self == .text ? -1 : 8 }
  }

  package let name: String
  package let kind: Kind

  package init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

/// A value of a row.
package enum ConsoleCell: Equatable, Sendable {
  case text(String)
  case number(Int64)
  case null

  /// - Parameter count: beyond what fits, the largest that does.
  package init(_ count: some BinaryInteger) { self = .number(Int64(clamping: count)) }

  /// NULL when there is none.
  package init(_ text: String?) { self = text.map { .text($0) } ?? .null }

  /// As a client reads it that has asked for text (0) or the type's binary form (1).
  func bytes(isBinary: Bool) -> [UInt8]? {
    switch self {
    case .null: nil
    case .text(let text): Array(text.utf8)
    case .number(let number):
      isBinary
        ? (0..<8).map { UInt8(truncatingIfNeeded: number >> Int64(56 - 8 * $0)) } : Array(String(number).utf8)
    }
  }
}
