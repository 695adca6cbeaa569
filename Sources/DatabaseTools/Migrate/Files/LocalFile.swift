import Glibc

/// Reads files and folders by system calls: no Foundation, so that the program starts at once.
enum LocalFile {
  /// How much of a file is in memory at a time while it is streamed.
  static let chunkSize = 64 * 1024

  enum Kind: Equatable { case file, folder }

  /// Nil when there is nothing, or neither a file nor a folder.
  static func kind(of path: String) -> Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return nil  // sockets, devices, pipes
    }
  }

  /// Whether the name is there, though it may lead nowhere.
  static func isNamed(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// What stays the same by whatever path a folder is reached; nil when there is none.
  static func identity(of path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
  }

  struct Identity: Hashable {
    let device: UInt64
    let number: UInt64
  }

  static func exists(_ path: String) -> Bool { kind(of: path) != nil }

  /// Why a folder cannot be read, in the system's words.
  struct Unreadable: Error { let reason: String }

  /// The names in a folder, sorted by their bytes.
  static func names(in folder: String) throws(Unreadable) -> [String] {
    guard let stream = opendir(folder) else { throw Unreadable(reason: String(cString: strerror(errno))) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // The kernel ends d_name with a zero byte inside the entry.
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Hands over a file piece by piece.
  /// - Throws: `Failure` naming the file when it cannot be read; whatever `body` throws.
  static func stream<Thrown: Error>(
    _ path: String, _ body: (borrowing [UInt8]) throws(Thrown) -> Void
  ) throws(ReadError<Thrown>) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(failure(path)) }
    defer { close(descriptor) }
    while true {
      var failed = false
      let chunk = [UInt8](unsafeUninitializedCapacity: chunkSize) { buffer, count in
        var got = read(descriptor, buffer.baseAddress, buffer.count)
        while got < 0, errno == EINTR { got = read(descriptor, buffer.baseAddress, buffer.count) }
        failed = got < 0
        count = max(0, got)
      }
      if failed { throw .unreadable(failure(path)) }
      if chunk.isEmpty { return }
      do throws(Thrown) { try body(chunk) } catch { throw .body(error) }
    }
  }

  enum ReadError<Thrown: Error>: Error {
    case unreadable(Failure)
    case body(Thrown)
  }

  /// A whole file, for small ones.
  static func bytes(of path: String) throws(Failure) -> [UInt8] {
    var all: [UInt8] = []
    do {
      try stream(path) { (chunk) throws(Never) in all += chunk }
    } catch {
      switch error {
      case .unreadable(let failure): throw failure
      case .body: break
      }
    }
    return all
  }

  static func text(of path: String) throws(Failure) -> String {
    String(decoding: try bytes(of: path), as: UTF8.self)
  }

  /// Writes a file anew.
  /// - Parameter isNew: one that is there stays as it is, and is an error.
  static func write(_ text: String, to path: String, isNew: Bool = false) throws(Failure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | (isNew ? O_EXCL : O_TRUNC) | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path, "cannot be written") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
      }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw failure(path, "cannot be written") }
      done += written
    }
  }

  private static func failure(_ path: String, _ what: String = "cannot be read") -> Failure {
    Failure("\(path) \(what): \(String(cString: strerror(errno)))")
  }
}
