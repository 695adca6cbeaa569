import Glibc

/// Paths as text.
enum LocalPath {
  /// The process's working directory.
  static func workingDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
  }

  /// The user's home, from the environment.
  static func home() -> String? { getenv("HOME").map { String(cString: $0) } }

  /// The path from the root, `.` and `..` taken out.
  static func absolute(_ path: String, in directory: String) -> String {
    let whole = path.hasPrefix("/") ? path : directory + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// What stands before the name.
  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }
}
