import Migrations

/// One entry of `locations`: a folder, or a pattern of folders.
struct ScriptLocation: Equatable {
  /// As it was written, without `filesystem:` and a slash at the end.
  let path: String
  /// `classpath:`: there is no Java here, so nothing is ever there.
  let isClasspath: Bool
  /// Whether a part of it has a wildcard.
  let isPattern: Bool
  /// The folder that surely is there: what stands before the first part with a wildcard.
  let root: String

  /// - Throws: `MigrationError.unknownLocationPrefix` for anything that is not the file system.
  init(_ text: String) throws(MigrationError) {
    var path = text
    if let colon = text.firstIndex(of: ":") {
      guard text[..<colon] == "filesystem" || text[..<colon] == "classpath" else {
        throw .unknownLocationPrefix(text)
      }
      path = String(text[text.index(after: colon)...])
      isClasspath = text[..<colon] == "classpath"
    } else {
      isClasspath = false
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    let fixed = Self.parts(of: path).prefix { !Self.isPattern($0) }
    isPattern = fixed.count < Self.parts(of: path).count
    root = isPattern ? (path.hasPrefix("/") ? "/" : "") + fixed.joined(separator: "/") : path
  }

  private static func parts(of path: String) -> [Substring] {
    path.split(separator: "/", omittingEmptySubsequences: true)
  }

  private static func isPattern(_ part: Substring) -> Bool { part.contains("*") || part.contains("?") }

  /// Of a file below ``root``, the part of its path that the history calls its script: what follows the
  /// folder that the pattern matches. Nil when no folder above the file matches.
  func script(of relative: [String]) -> String? {
    guard isPattern else { return relative.joined(separator: "/") }
    let pattern = Self.parts(of: path).drop { !Self.isPattern($0) }
    // The deepest folder that fits, as a greedy expression finds it.
    for depth in stride(from: relative.count - 1, through: 0, by: -1)
    where Self.fits(relative.prefix(depth)[...], pattern) {
      return relative.dropFirst(depth).joined(separator: "/")
    }
    return nil
  }

  private static func fits(_ folders: ArraySlice<String>, _ pattern: ArraySlice<Substring>) -> Bool {
    guard let first = pattern.first else { return folders.isEmpty }
    if first == "**" {
      return (0...folders.count).contains { fits(folders.dropFirst($0), pattern.dropFirst()) }
    }
    guard let folder = folders.first else { return false }
    return fits(Array(folder.unicodeScalars)[...], Array(first.unicodeScalars)[...])
      && fits(folders.dropFirst(), pattern.dropFirst())
  }

  private static func fits(_ name: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool
  {
    guard let first = pattern.first else { return name.isEmpty }
    if first == "*" {
      return fits(name, pattern.dropFirst()) || (!name.isEmpty && fits(name.dropFirst(), pattern))
    }
    guard let scalar = name.first, first == "?" || first == scalar else { return false }
    return fits(name.dropFirst(), pattern.dropFirst())
  }

  /// Leaves out what lies inside another one. Only the text is compared: `./a` and `a/one` both stay, as in
  /// Flyway.
  static func withoutNested(_ locations: [ScriptLocation]) -> [ScriptLocation] {
    var kept: [ScriptLocation] = []
    for (index, location) in locations.enumerated() {
      let isInside = locations.enumerated().contains { other, outer in
        location.isClasspath != outer.isClasspath
          ? false
          : location.path == outer.path
            ? other < index : !outer.isPattern && location.path.hasPrefix(outer.path + "/")
      }
      if !isInside { kept.append(location) }
    }
    return kept
  }
}
