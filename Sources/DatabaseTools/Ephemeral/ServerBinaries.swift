private import CLinux
private import Glibc

/// Where the programs of a PostgreSQL server are.
struct ServerBinaries: Sendable, Equatable {
  /// The folder that holds both `initdb` and `postgres`.
  let folder: String

  var initdb: String { folder + "/initdb" }
  var postgres: String { folder + "/postgres" }

  /// Looks in `explicit` alone when given, else in `path` (a PATH), then where packages put them, the newest first.
  static func find(explicit: String?, path: String) throws(Failure) -> ServerBinaries {
    if let explicit {
      guard isComplete(explicit) else {
        throw Failure(
          "--postgres-bin: \(explicit) has no initdb and postgres that can be run",
          hint: "Debian keeps them in /usr/lib/postgresql/VERSION/bin", exitCode: ExitStatus.ownFailure)
      }
      return ServerBinaries(folder: explicit)
    }
    let inPath = path.split(separator: ":").map { String($0) }.filter { $0.hasPrefix("/") }
    let installed = versioned("/usr/lib/postgresql", "/bin") + versioned("/usr", "/bin", prefix: "pgsql-")
    for folder in inPath + installed + ["/usr/local/pgsql/bin"] where isComplete(folder) {
      return ServerBinaries(folder: folder)
    }
    throw Failure(
      "no PostgreSQL server programs (initdb, postgres) on this machine",
      detail: "looked in PATH, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin and /usr/local/pgsql/bin",
      hint: "apt-get install postgresql    (or name their folder by --postgres-bin DIR)",
      exitCode: ExitStatus.ownFailure)
  }

  private static func isComplete(_ folder: String) -> Bool {
    access(folder + "/initdb", X_OK) == 0 && access(folder + "/postgres", X_OK) == 0
  }

  /// `base/15/bin`, `base/prefix15/bin` …, the highest number first.
  private static func versioned(_ base: String, _ end: String, prefix: String = "") -> [String] {
    FolderListing.names(in: base)
      .compactMap { name in
        guard name.hasPrefix(prefix), let number = Double(name.dropFirst(prefix.count)) else { return nil }
        return (number, name)
      }
      .sorted { (left: (Double, String), right: (Double, String)) in left.0 > right.0 }
      .map { "\(base)/\($0.1)\(end)" }
  }
}

/// The names in a folder.
enum FolderListing {
  /// In no order; none when it cannot be read.
  static func names(in folder: String) -> [String] {
    guard let listing = clinux_listing_open(folder) else { return [] }
    defer { clinux_listing_close(listing) }
    var names: [String] = []
    while let name = clinux_listing_next(listing) { names.append(String(cString: name)) }
    return names
  }
}
