/// The key of the advisory lock that keeps two migrators apart: the same as Flyway's, so that a service still
/// on Flyway and one on dbtool exclude each other.
///
/// It is `0x466C79776179` ("Flyway") plus Java's `String.hashCode()` of the quoted table name. Advisory locks
/// are per database, and two history tables never block each other.
package enum AdvisoryLockKey {
  private static let flyway: Int64 = 0x466C_7977_6179

  /// - Parameter table: as Flyway quotes it, `"public"."flyway_schema_history"`.
  package static func key(ofTable table: String) -> Int64 {
    var hash: Int32 = 0
    for unit in table.utf16 { hash = hash &* 31 &+ Int32(unit) }
    return flyway + Int64(hash)
  }
}
