import CLinux

/// The process's limit on open files: each connection is one.
package enum FileLimit {
  /// Raises the soft limit to the hard one. Returns the limit in force.
  package static func raise() -> Int { Int(clamping: clinux_raise_file_limit()) }
}
