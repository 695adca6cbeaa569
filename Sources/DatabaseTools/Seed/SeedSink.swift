private import Glibc

/// Where rows go that no database gets: a folder's files, or one thing that takes them all.
///
/// A folder's files get their names only when all of them are complete.
final class SeedSink {
  let isFolder: Bool
  private let path: String
  private var descriptor: Int32 = -1
  /// The files of a folder, by their names to be.
  private var names: [String] = []

  /// - Parameter path: a folder, or a name that becomes one; something else that is there is written to as it
  ///   is; nil is stdout.
  init(_ path: String?) throws(Failure) {
    self.path = path ?? "-"
    guard let path, path != "-" else {
      isFolder = false
      descriptor = dup(STDOUT_FILENO)
      return
    }
    var status = stat()
    if stat(path, &status) == 0 {
      isFolder = status.st_mode & S_IFMT == S_IFDIR
    } else {
      guard mkdir(path, 0o777) == 0 else { throw Self.failure("the folder \(path) cannot be made") }
      isFolder = true
    }
    if !isFolder {
      descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC | O_TRUNC)
      if descriptor < 0 { throw Self.failure("\(path) cannot be written") }
    }
  }

  deinit { close() }

  /// Begins a file of the folder.
  func open(_ name: String) throws(Failure) {
    guard isFolder else { return }
    guard !name.contains("/") else { throw Failure("\(name) cannot be a file's name") }
    if descriptor >= 0 { Glibc.close(descriptor) }
    names.append(name)
    descriptor = Glibc.open(part(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Self.failure("\(path)/\(name) cannot be written") }
  }

  func write(_ bytes: [UInt8]) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.failure("\(names.last.map { "\(path)/\($0)" } ?? path) cannot be written")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Gives the files their names.
  /// - Returns: their paths.
  func finish() throws(Failure) -> [String] {
    if descriptor >= 0, Glibc.close(descriptor) != 0 { throw Self.failure("\(path) cannot be written") }
    descriptor = -1
    for name in names {
      guard rename(part(name), "\(path)/\(name)") == 0 else {
        throw Self.failure("\(path)/\(name) cannot be written")
      }
    }
    defer { names = [] }
    return names.map { "\(path)/\($0)" }
  }

  /// Takes away what is not complete.
  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    for name in names { unlink(part(name)) }
    names = []
  }

  private func part(_ name: String) -> String { "\(path)/.\(name).part" }

  private static func failure(_ what: String) -> Failure {
    Failure("\(what): \(String(cString: strerror(errno)))", hint: "no file has changed")
  }
}
