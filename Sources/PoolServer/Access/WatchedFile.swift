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
