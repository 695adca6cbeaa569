/// A prepared statement by its text and parameter types, over all clients and backends.
@usableFromInline
package struct StatementID: Hashable, Sendable {
  @usableFromInline package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  /// No statement.
  @inlinable package static var none: StatementID { StatementID(UInt32.max) }
}
