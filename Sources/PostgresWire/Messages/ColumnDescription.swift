/// A column of a RowDescription whose values come in text format and from no table.
package struct ColumnDescription: Equatable, Sendable {
  package var name: String

  /// The data type's OID; 25 is `text`.
  package var typeOID: UInt32

  /// The type's size in bytes, as in `pg_type.typlen`; -1 when it varies.
  package var typeSize: Int16

  package init(name: String, typeOID: UInt32 = 25, typeSize: Int16 = -1) {
    self.name = name
    self.typeOID = typeOID
    self.typeSize = typeSize
  }
}
