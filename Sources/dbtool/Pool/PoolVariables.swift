import DatabaseTools

/// What the environment says about the pool: `DBTOOL_POOL_*`.
enum PoolVariables {
  /// The values by key, and a note for each variable that looks like ours and is not.
  /// - Throws: `Failure` naming the variable whose value does not fit.
  static func values(
    _ environment: [String: String]
  ) throws(Failure) -> (values: [String: PoolValue], notes: [String]) {
    var result: [String: PoolValue] = [:]
    var known: Set<String> = []
    for key in PoolKeys.scalars {
      known.insert(key.variable)
      // An empty http_listen means something; an empty duration only that the variable was not filled in.
      guard let text = environment[key.variable], !text.isEmpty || key.acceptsEmpty else { continue }
      result[key.name] = try PoolText.value(key, text, from: key.variable, separator: "=")
    }
    let strange = environment.keys.filter {
      $0.hasPrefix(PoolKey.variablePrefix) && !known.contains($0) && !isServiceLink($0)
    }
    return (result, strange.sorted().map { note($0, known) })
  }

  /// Kubernetes gives every pod variables for each service; one called dbtool-pool must not disturb the pool.
  /// Source: Kubernetes documentation, "Service", environment variables.
  private static func isServiceLink(_ name: String) -> Bool {
    let rest = name.dropFirst(PoolKey.variablePrefix.count)
    return rest == "PORT" || rest.hasPrefix("PORT_") || rest.hasPrefix("SERVICE_HOST")
      || rest.hasPrefix("SERVICE_PORT")
  }

  private static func note(_ name: String, _ known: Set<String>) -> String {
    // Without the prefix: what all of them share must not make any two of them near.
    let prefix = PoolKey.variablePrefix
    let names = known.sorted().map { String($0.dropFirst(prefix.count)) }
    let near = Suggestion.nearest(to: String(name.dropFirst(prefix.count)), among: names)
    let meant = near.map { "; did you mean \(prefix)\($0)?" } ?? ""
    return "\(name) is no variable of the pool\(meant)"
  }
}

/// Values that come as text: flags and variables.
enum PoolText {
  /// - Parameters:
  ///   - origin: the flag or variable, as messages call it.
  ///   - separator: what stands between it and its value.
  static func value(
    _ key: PoolKey, _ text: String, from origin: String, separator: String, isFlag: Bool = false
  ) throws(Failure) -> PoolValue {
    let status = isFlag ? ExitStatus.usage : ExitStatus.failed
    let value: PoolValue
    do {
      value = try key.value(ofText: text)
    } catch {
      throw Failure("\(origin) \(error.what)", hint: error.hint, exitCode: status)
    }
    if let limit = key.limit, !limit.values.contains(value.plainText) {
      throw Failure("\(origin)\(separator)\(text) is not served yet", hint: limit.hint, exitCode: status)
    }
    return value
  }
}

extension PoolKey {
  fileprivate var acceptsEmpty: Bool {
    switch kind {
    case .text: true
    case .duration, .count, .optionalCount, .choice, .toggle, .list: false
    }
  }
}
