import PoolServer

extension PoolKey {
  /// As SHOW CONFIG has it.
  func shown(_ value: PoolValue?) -> ConsoleSettings.Key {
    let isDefault = fallback.flatMap { try? self.value(ofText: $0) } == value
    let text = isDefault ? fallback ?? "" : value?.shown ?? ""
    return ConsoleSettings.Key(
      name, value: Self.secret.contains(name) && !text.isEmpty ? "****" : text,
      fallback: fallback ?? "", isChangeable: isLive)
  }

  /// Whether SET can change it while the pool runs.
  var isLive: Bool {
    switch kind {
    case .duration, .count, .optionalCount: !Self.fixed.contains(name) && limit == nil
    case .choice: ["pool_mode", "session_state", "session_check", "sqlstate_compat"].contains(name)
    case .text: name == "init_query"
    case .toggle, .list: false
    }
  }

  /// Those that are decided when the process begins.
  private static let fixed: Set<String> = ["threads", "pool_id"]

  /// SET at the console.
  @Sendable
  static func change(
    _ name: String, _ text: String, _ settings: inout PoolSettings
  ) -> ConsoleSettings.Change {
    guard let key = PoolKeys.scalars.first(where: { $0.name == name }) else {
      let nearest = Suggestion.nearest(to: name, among: PoolKeys.scalars.map(\.name))
      return .unknown(hint: nearest.map { "Did you mean \($0)?" } ?? "SHOW CONFIG lists the keys.")
    }
    guard key.isLive else { return .fixed }
    do throws(PoolValueProblem) {
      let value = try key.value(ofText: text)
      key.fill(value, into: &settings)
      settings.console.keys = settings.console.keys.map { $0.name == name ? key.shown(value) : $0 }
      return .done
    } catch {
      return .wrong(what: error.what, hint: error.hint)
    }
  }

  /// SQL of the user's own, which may hold anything.
  private static let secret: Set<String> = ["init_query"]
}

extension PoolValue {
  /// As it would be typed.
  var shown: String {
    guard case .milliseconds(let time) = self else { return plainText }
    for (unit, length) in [("d", UInt64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
    where time > 0 && time % length == 0 {
      return "\(time / length)\(unit)"
    }
    return "\(time)ms"
  }
}
