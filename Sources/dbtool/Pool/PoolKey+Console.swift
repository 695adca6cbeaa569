import PoolServer

extension PoolKey {
  /// As SHOW CONFIG has it.
  func shown(_ value: PoolValue?) -> ConsoleSettings.Key {
    let isDefault = fallback.flatMap { try? self.value(ofText: $0) } == value
    let text = isDefault ? fallback ?? "" : value?.shown ?? ""
    return ConsoleSettings.Key(
      name, value: Self.secret.contains(name) && !text.isEmpty ? "****" : text,
      fallback: fallback ?? "", isChangeable: false)
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
