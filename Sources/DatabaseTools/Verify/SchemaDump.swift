private import Glibc
import Migrations

/// The schema of a database of a throwaway server as `pg_dump --schema-only` writes it.
struct SchemaDump {
  let server: EphemeralServer
  /// Tables that belong to the migrator, quoted.
  let leavingOut: [String]

  /// - Throws: `Failure` when there is no `pg_dump`, or it fails.
  func take(of database: String) throws(Failure) -> String {
    let program = try self.program()
    // Without a name: it is gone when it is closed.
    guard let output = tmpfile() else {
      throw Failure("there is no room for a temporary file: \(String(cString: strerror(errno)))")
    }
    defer { fclose(output) }
    let file = fileno(output)
    var variables = server.environment
    variables["PGDATABASE"] = database
    for name in ["LD_LIBRARY_PATH", "PATH"] { variables[name] = ProcessEnvironment.current[name] }
    variables["LC_ALL"] = "C"
    let process: ChildProcess
    do throws(ChildProcess.StartFailure) {
      process = try ChildProcess(
        starting: .init(
          program: program,
          arguments: ["--schema-only", "--encoding=UTF8"] + leavingOut.map { "--exclude-table=\($0)" },
          environment: variables, output: file))
    } catch {
      throw Failure("\(program) cannot be run: \(error.reason)")
    }
    while !process.waitForEnd(atMost: .seconds(3600)) {}
    let text = Self.text(of: file)
    guard process.exitStatus == 0 else {
      throw Failure("pg_dump failed", related: text.split(separator: "\n").suffix(10).map { String($0) })
    }
    return text
  }

  /// The server's own, where a link leads, or one of PATH; an older one than the server refuses by itself.
  func program() throws(Failure) -> String {
    var folders = [server.binaries.folder]
    if let real = realpath(server.binaries.postgres, nil) {
      defer { free(real) }
      folders.append(String(String(cString: real).dropLast("/postgres".count)))
    }
    folders += (ProcessEnvironment.current["PATH"] ?? "").split(separator: ":").map { String($0) }
    if let found = folders.map({ $0 + "/pg_dump" }).first(where: { access($0, X_OK) == 0 }) { return found }
    throw Failure(
      "there is no pg_dump beside the server's programs in \(server.binaries.folder), nor in PATH",
      hint: "install the client programs of PostgreSQL \(server.version / 10000):"
        + " on Debian and Ubuntu postgresql-client-\(server.version / 10000), elsewhere postgresql\(server.version / 10000)"
    )
  }

  private static func text(of file: Int32) -> String {
    lseek(file, 0, SEEK_SET)
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: LocalFile.chunkSize)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return String(decoding: all, as: UTF8.self) }
      all += buffer[..<count]
    }
  }
}
