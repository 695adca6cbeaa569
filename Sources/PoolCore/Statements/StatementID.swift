/// A prepared statement by its text and parameter types, over all clients and backends.
package struct StatementID: Hashable, Sendable {
  package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  /// No statement.
  package static let none = StatementID(UInt32.max)
}
