private import CLinux
private import Glibc

/// A folder for one server: `…/dbtool-XXXXXX`, for its owner only, with a lock that says whether we live.
///
/// The lock is a `flock` on the file `lock`: the kernel lets go of it when the process ends, however it ends.
/// So a folder whose lock can be taken is abandoned, and one whose lock is held is never touched.
package final class PrivateFolder: Sendable {
  static let prefix = "dbtool-"
  static let lockName = "lock"

  package let path: String
  private let lock: Int32

  /// Takes the first of `parents` that we may write to and `owner` may enter.
  convenience init(inFirstOf parents: [String], owner: SystemUser?) throws(Failure) {
    let fitting = parents.first { access($0, W_OK | X_OK) == 0 && (owner?.mayEnter($0) ?? true) }
    guard let parent = fitting else {
      let user = owner.map { " and user \($0.name) may enter" } ?? ""
      throw Failure(
        "there is no folder for temporary files that can be written to\(user): \(parents.joined(separator: ", "))",
        exitCode: ExitStatus.ownFailure)
    }
    try self.init(in: parent, owner: owner)
  }

  /// - Parameter owner: who is to own it; nil is us.
  init(in parent: String, owner: SystemUser?) throws(Failure) {
    // Another process that looks for abandoned folders may take ours in the moment before it is locked.
    for _ in 0..<100 {
      let path = try Self.make(in: parent)
      guard let lock = Self.takeLock(in: path, creating: true) else { continue }
      if let owner, chown(path, owner.id, owner.group) != 0 {
        let code = errno
        _ = clinux_remove_tree(path)
        close(lock)
        throw Self.failure("cannot give \(path) to user \(owner.name)", code)
      }
      self.path = path
      self.lock = lock
      return
    }
    throw Failure("no private folder could be made in \(parent)", exitCode: ExitStatus.ownFailure)
  }

  deinit { close(lock) }

  /// Removes it with all it holds.
  /// - Returns: nil, or why something of it is still there.
  package func remove() -> String? { Self.remove(path) }

  /// Where private folders may be, the preferred one first.
  static func parents(explicit: String?, environment: [String: String]) -> [String] {
    if let explicit { return [explicit] }
    let wanted = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let trimmed = wanted.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    return ([trimmed].compactMap { $0 }.filter { fitsSocket($0) } + ["/tmp"]).reduce(into: []) {
      list, folder in
      if !list.contains(folder) { list.append(folder) }
    }
  }

  /// Linux gives a socket's path 107 bytes: `PARENT/dbtool-XXXXXX/.s.PGSQL.65535.lock`.
  private static func fitsSocket(_ parent: String) -> Bool {
    parent.utf8.count + "/dbtool-XXXXXX/.s.PGSQL.65535.lock".utf8.count <= 107
  }

  static func remove(_ path: String) -> String? {
    var code: Int32 = 0
    // A process that is just ending may still write a file into a folder that was empty a moment ago.
    for _ in 0..<20 {
      code = clinux_remove_tree(path)
      if code != ENOTEMPTY { break }
      usleep(10_000)
    }
    return code == 0 ? nil : "\(path) could not be removed: \(String(cString: strerror(code)))"
  }

  /// - Returns: the lock's descriptor, nil when another process holds it or the folder is going away.
  static func takeLock(in path: String, creating: Bool) -> Int32? {
    let name = path + "/" + lockName
    let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT | O_EXCL : 0)
    let file = open(name, flags, 0o600)
    guard file >= 0 else { return nil }
    var ours = stat()
    var named = stat()
    guard flock(file, LOCK_EX | LOCK_NB) == 0, fstat(file, &ours) == 0, lstat(name, &named) == 0,
      ours.st_ino == named.st_ino, ours.st_dev == named.st_dev
    else {
      close(file)
      return nil
    }
    return file
  }

  private static func make(in parent: String) throws(Failure) -> String {
    var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw failure("no folder can be made in \(parent)", errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func failure(_ what: String, _ code: Int32) -> Failure {
    Failure("\(what): \(String(cString: strerror(code)))", exitCode: ExitStatus.ownFailure)
  }
}
