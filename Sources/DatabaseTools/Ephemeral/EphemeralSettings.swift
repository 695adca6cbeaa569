/// How a throwaway server is to be.
package struct EphemeralSettings: Sendable, Equatable {
  /// Server settings by name, over our own; the last of a name counts. Source: `postgresql.conf`.
  package var parameters: [(name: String, value: String)]
  /// The folder with `initdb` and `postgres`; nil looks in PATH and where Debian and Red Hat install them.
  package var binaries: String?
  /// Where the private folder goes; nil is `TMPDIR`, or `/tmp` when that is too long for a socket's name.
  package var parentFolder: String?

  package init(
    parameters: [(name: String, value: String)] = [], binaries: String? = nil, parentFolder: String? = nil
  ) {
    self.parameters = parameters
    self.binaries = binaries
    self.parentFolder = parentFolder
  }

  /// Reads a `--set name=value`.
  /// - Throws: `Failure` (usage) when it has no `=`, the name is none, or it would take away what keeps the
  ///   server private and findable.
  package mutating func set(_ assignment: String) throws(Failure) {
    guard let equals = assignment.firstIndex(of: "=") else {
      throw .usage("--set \(assignment) has no =", hint: "write --set max_connections=100")
    }
    let name = assignment[..<equals].lowercased()
    let isName =
      !name.isEmpty
      && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 46 }
    guard isName else { throw .usage("--set \(assignment): the name in front of = is not a setting's") }
    if let reason = Self.ours[name] { throw .usage("--set \(name) is not possible: \(reason)") }
    let value = String(assignment[assignment.index(after: equals)...])
    guard !value.utf8.contains(where: { $0 < 0x20 }) else {
      throw .usage("--set \(name): the value has a control character in it")
    }
    parameters.append((name, value))
  }

  private static let ours: [String: String] = [
    "port": "a free one is chosen", "listen_addresses": "the server is for this machine only",
    "unix_socket_directories": "the socket lives in the private folder",
    "data_directory": "the data live in the private folder", "hba_file": "access is by the random password",
    "ident_file": "access is by the random password",
    "logging_collector": "the log is watched while starting",
    "external_pid_file": "nothing is written outside of the private folder",
  ]

  package static func == (left: EphemeralSettings, right: EphemeralSettings) -> Bool {
    left.binaries == right.binaries && left.parentFolder == right.parentFolder
      && left.parameters.elementsEqual(right.parameters) { $0 == $1 }
  }
}
