private import CLinux
private import Glibc

/// A user of the machine.
package struct SystemUser: Sendable, Equatable {
  package let name: String
  package let id: UInt32
  package let group: UInt32

  /// nil when the machine has none of that name.
  package init?(named name: String) {
    var id: UInt32 = 0
    var group: UInt32 = 0
    guard clinux_find_user(name, &id, &group) else { return nil }
    self.name = name
    self.id = id
    self.group = group
  }

  /// Whether the permission bits from `/` down to `path` let this user pass. Access lists are not looked at.
  func mayEnter(_ path: String) -> Bool {
    var folder = ""
    for part in [""] + path.split(separator: "/").map({ String($0) }) {
      folder += folder.hasSuffix("/") ? part : "/" + part
      var facts = stat()
      guard stat(folder, &facts) == 0 else { return false }
      let bit = facts.st_uid == id ? S_IXUSR : facts.st_gid == group ? S_IXGRP : S_IXOTH
      if facts.st_mode & bit == 0 { return false }
    }
    return true
  }

  /// Whom a server is to run as: PostgreSQL refuses root. nil when we are nobody special already.
  static func stepDown() throws(Failure) -> SystemUser? {
    guard geteuid() == 0 else { return nil }
    if let user = SystemUser(named: "postgres") ?? SystemUser(named: "nobody"), user.id != 0 { return user }
    throw Failure(
      "PostgreSQL refuses to run as root, and there is no user postgres or nobody to step down to",
      hint: "useradd --system postgres", exitCode: ExitStatus.ownFailure)
  }
}
