private import CLinux

/// The variables of this process, read once for each command, so that what is below takes them as values.
package enum ProcessEnvironment {
  /// Name to value; the first counts when a name is there twice, as for `getenv`.
  package static var current: [String: String] {
    var result: [String: String] = [:]
    var index: Int32 = 0
    while let entry = clinux_variable(index) {
      index += 1
      let text = String(cString: entry)
      guard let equals = text.firstIndex(of: "=") else { continue }
      let name = String(text[..<equals])
      if result[name] == nil { result[name] = String(text[text.index(after: equals)...]) }
    }
    return result
  }
}
