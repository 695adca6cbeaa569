private import CLibPQ

/// What the libpq of this machine knows about connection parameters.
package enum ConnectionParameters {
  /// The names libpq takes (`host`, `sslmode`, …), in its own order.
  package static var names: [String] { defaults.map(\.name) }

  /// The values libpq would use when nobody says otherwise: from `PG*`, the service file and its own defaults.
  /// Passwords are left out.
  package static var resolvedDefaults: [String: String] {
    var result: [String: String] = [:]
    for (name, value) in defaults where name != "password" && name != "sslpassword" {
      if let value { result[name] = value }
    }
    return result
  }

  private static var defaults: [(name: String, value: String?)] {
    guard let options = PQconndefaults() else { return [] }
    defer { PQconninfoFree(options) }
    var result: [(name: String, value: String?)] = []
    var option = options
    while let keyword = option.pointee.keyword {
      result.append((String(cString: keyword), option.pointee.val.map { String(cString: $0) }))
      option += 1
    }
    return result
  }
}
