private import Glibc

/// Finds what a killed process left behind, stops it and removes it.
enum AbandonedServers {
  /// Looks through `parents`. Folders that are locked, or not ours, are left alone.
  /// - Parameter owner: whom servers run as besides us.
  /// - Returns: the folders that were removed.
  @discardableResult
  static func clean(in parents: [String], owner: SystemUser?) -> [String] {
    var removed: [String] = []
    for parent in parents {
      for name in FolderListing.names(in: parent) where isOurs(name) {
        let path = parent + "/" + name
        if belongs(path, owner), clean(path) { removed.append(path) }
      }
    }
    return removed
  }

  /// `dbtool-` and the six characters of `mkdtemp`.
  private static func isOurs(_ name: String) -> Bool {
    name.hasPrefix(PrivateFolder.prefix) && name.utf8.count == PrivateFolder.prefix.utf8.count + 6
  }

  /// A real folder, of ours or of the user we step down to: another user's is not ours to judge.
  private static func belongs(_ path: String, _ owner: SystemUser?) -> Bool {
    var facts = stat()
    guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { return false }
    return facts.st_uid == geteuid() || facts.st_uid == owner?.id
  }

  private static func clean(_ path: String) -> Bool {
    guard let lock = PrivateFolder.takeLock(in: path, creating: false) else {
      // Killed between making the folder and its lock; a folder that is in use is not empty, so it stays.
      return rmdir(path) == 0
    }
    defer { close(lock) }
    stopServer(in: path + "/data")
    return PrivateFolder.remove(path) == nil
  }

  /// Stops the server whose data are in `folder`, if there is one. Its number comes from `postmaster.pid` and
  /// counts only while that process really works in the folder: numbers are used again.
  private static func stopServer(in folder: String) {
    guard let pid = postmaster(of: folder) else { return }
    for (signal, patience) in [(SIGQUIT, 500), (SIGKILL, 500)] {
      guard kill(pid, signal) == 0 else { return }
      for _ in 0..<patience {
        guard isWorking(pid, in: folder) else { return }
        usleep(10_000)
      }
    }
  }

  private static func postmaster(of folder: String) -> Int32? {
    let file = open(folder + "/postmaster.pid", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 32)
    let count = read(file, &buffer, buffer.count)
    guard count > 0 else { return nil }
    let line = buffer[..<count].prefix { (48...57).contains($0) }
    guard let pid = Int32(String(decoding: line, as: UTF8.self)), pid > 1, isWorking(pid, in: folder) else {
      return nil
    }
    return pid
  }

  private static func isWorking(_ pid: Int32, in folder: String) -> Bool {
    var work = stat()
    var data = stat()
    // A zombie has no folder any more, so it counts as gone.
    return stat("/proc/\(pid)/cwd", &work) == 0 && stat(folder, &data) == 0 && work.st_ino == data.st_ino
      && work.st_dev == data.st_dev
  }
}
