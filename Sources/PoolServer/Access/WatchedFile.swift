import Glibc

/// A file that may change while the pool runs: whether it has, by one call of the kernel.
struct WatchedFile: Sendable {
  /// What stat(2) says that a change of the content changes; `nil` while there is no such file.
  private struct Stamp: Equatable, Sendable {
    let device: UInt
    let node: UInt
    let size: Int
    let modified: [Int]

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt(status.st_dev)
      node = UInt(status.st_ino)
      size = Int(status.st_size)
      modified = [
        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
      ]
    }
  }

  let path: String
  private var stamp: Stamp?

  /// As it is now, which counts as read.
  init(_ path: String) {
    self.path = path
    stamp = Stamp(path)
  }

  /// Whether it is another than at the last call. A file that is gone has not changed: it is being replaced.
  mutating func hasChanged() -> Bool {
    guard let fresh = Stamp(path), fresh != stamp else { return false }
    stamp = fresh
    return true
  }

  /// Its text.
  /// - Throws: ``AccessFileError`` when it cannot be read, is larger than 16 MB or not UTF-8.
  static func text(of path: String) throws(AccessFileError) -> String {
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
      guard bytes.count <= 16 << 20 else { throw AccessFileError(path: path, what: "is larger than 16 MB") }
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

/// Why a file of users, rules or passwords cannot be used.
package struct AccessFileError: Error, Equatable, Sendable {
  package let path: String
  /// From 1; `nil` when it is not about one line.
  package var line: Int?
  package let what: String

  package init(path: String, line: Int? = nil, what: String) {
    self.path = path
    self.line = line
    self.what = what
  }

  /// For a log.
  package var message: String { line.map { "\(path):\($0): \(what)" } ?? "\(path) \(what)" }
}
