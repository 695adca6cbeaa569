import DatabaseTools

extension PoolDocument {
  /// One `[[pool.users]]` or the like: values by key, checked against the table of keys.
  struct Entry: Sendable {
    /// `pool.users[0]`
    let path: String
    let values: [String: PoolValue]

    func text(_ key: String) -> String? {
      guard case .text(let text) = values[key] else { return nil }
      return text
    }

    func count(_ key: String) -> Int? {
      guard case .count(let count) = values[key] else { return nil }
      return count
    }
  }

  private static let lists: [String: [PoolKey]] = [
    "targets": PoolKeys.target, "users": PoolKeys.user, "databases": PoolKeys.database,
    "lanes": PoolKeys.lane,
    "peers": PoolKeys.peer,
  ]
  private static let subtables = ["tls", "fleet"]

  /// The scalar keys of `[pool]`, `[pool.tls]` and `[pool.fleet]` that the file gives.
  /// - Throws: `Failure` for an unknown key or a value that does not fit, whichever stands first in its table.
  func scalars() throws(Failure) -> [String: PoolValue] {
    var result: [String: PoolValue] = [:]
    try collect(pool, prefix: "", into: &result)
    for name in Self.subtables {
      guard let value = pool[name] else { continue }
      guard case .table(let table) = value else {
        throw failure("\(name) must be a table", at: "pool.\(name)", hint: "write [pool.\(name)]")
      }
      try collect(table, prefix: name + ".", into: &result)
    }
    return result
  }

  private func collect(
    _ table: [String: ConfigValue], prefix: String, into result: inout [String: PoolValue]
  ) throws(Failure) {
    let inPool = prefix.isEmpty
    let title = inPool ? "[pool]" : "[pool.\(prefix.dropLast())]"
    let path = inPool ? "pool" : "pool.\(prefix.dropLast())"
    for name in first(of: Array(table.keys), in: path) {
      if inPool, Self.lists[name] != nil || Self.subtables.contains(name) { continue }
      guard let key = PoolKeys.scalars.first(where: { $0.name == prefix + name }), let value = table[name]
      else {
        let known = PoolKeys.scalars.map(\.name).filter {
          $0.hasPrefix(prefix) && (!inPool || !$0.contains("."))
        }
        throw unknownKey(
          name, at: "\(path).\(name)", in: title,
          known: known.map { String($0.dropFirst(prefix.count)) } + (inPool ? Self.lists.keys.sorted() : []),
          elsewhere: Self.home(of: name))
      }
      result[key.name] = try checked(key, value, called: key.name, at: "\(path).\(name)")
    }
  }

  /// Where a key belongs that stands in the wrong table.
  private static func home(of name: String) -> String? {
    for table in subtables where PoolKeys.scalars.contains(where: { $0.name == "\(table).\(name)" }) {
      return "\(name) belongs to [pool.\(table)]"
    }
    if PoolKeys.scalars.contains(where: { $0.name == name }) { return "\(name) belongs to [pool]" }
    for list in lists.keys.sorted() where lists[list]?.contains(where: { $0.name == name }) == true {
      return "\(name) belongs to [[pool.\(list)]]"
    }
    return nil
  }

  /// The entries of `[[pool.targets]]` or the like.
  func entries(_ list: String) throws(Failure) -> [Entry] {
    guard let value = pool[list] else { return [] }
    guard case .array(let items) = value else {
      throw failure("\(list) must be a list of tables", at: "pool.\(list)", hint: "write [[pool.\(list)]]")
    }
    let keys = Self.lists[list] ?? []
    var result: [Entry] = []
    for (index, item) in items.enumerated() {
      let path = "pool.\(list)[\(index)]"
      guard case .table(let table) = item else {
        throw failure("\(list) must be a list of tables", at: path, hint: "write [[pool.\(list)]]")
      }
      var values: [String: PoolValue] = [:]
      for name in first(of: Array(table.keys), in: path) {
        guard let key = keys.first(where: { $0.name == name }), let value = table[name] else {
          throw unknownKey(
            name, at: "\(path).\(name)", in: "[[pool.\(list)]]", known: keys.map(\.name),
            elsewhere: Self.home(of: name))
        }
        values[name] = try checked(key, value, called: name, at: "\(path).\(name)")
      }
      result.append(Entry(path: path, values: values))
    }
    return result
  }

  private func checked(
    _ key: PoolKey, _ config: ConfigValue, called name: String, at path: String
  ) throws(Failure) -> PoolValue {
    let value: PoolValue
    do {
      value = try key.value(of: config)
    } catch {
      throw failure("\(name) \(error.what)", at: path, hint: error.hint, showsValue: !Self.isSecret(name))
    }
    if let limit = key.limit, !limit.values.contains(value.plainText) {
      throw failure(
        "\(name) = \(Self.shown(config)) is not served yet", at: path, hint: limit.hint, showsValue: true)
    }
    return value
  }

  private static func isSecret(_ name: String) -> Bool { name.contains("password") || name == "init_query" }

  /// As the file has it, on one line. Only for keys that this version limits; none of them holds a secret.
  private static func shown(_ value: ConfigValue) -> String {
    switch value {
    case .text(let text): text.quoted
    case .integer(let number): String(number)
    case .number(let number): "\(number)"
    case .toggle(let value): String(value)
    case .array(let values): "[" + values.map { shown($0) }.joined(separator: ", ") + "]"
    case .table, .other: value.kindName
    }
  }
}
