import Glibc

/// Text that somebody else writes: configuration, users, rules.
package enum TextFile {
  /// - Parameter mostBytes: a larger one is refused.
  /// - Throws: ``AccessFileError`` when it cannot be read, is larger or not UTF-8.
  package static func text(of path: String, mostBytes: Int = 16 << 20) throws(AccessFileError) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= mostBytes else {
        throw AccessFileError(path: path, what: "is larger than \(mostBytes >> 20) MB")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw AccessFileError(path: path, what: "is not UTF-8 text")
    }
    return text
  }

  private static func unreadable(_ path: String) -> AccessFileError {
    AccessFileError(path: path, what: "cannot be read: \(String(cString: strerror(errno)))")
  }
}
