import Glibc

/// A listening socket and what it is called in logs.
struct BoundListener: Sendable {
  let socket: Socket
  let address: String
  let isUnix: Bool
  /// By which a process that takes over knows it.
  let key: String
  /// The socket file to remove at the end; `nil` when there is none, or it is another process's by then.
  var path: String?
}

extension BoundListener {
  /// All of them: inherited where they can be, else bound.
  ///
  /// - Throws: ``PoolStartError`` that names the address which cannot be had.
  static func all(
    _ wanted: [PoolSettings.Listener], _ inheritance: Inheritance
  ) throws(PoolStartError) -> [BoundListener] {
    if !inheritance.activated.isEmpty { return inheritance.activated.map { activated($0) } }
    var bound: [BoundListener] = []
    for listener in wanted {
      do throws(PoolStartError) {
        switch listener {
        case .tcp(let host, let port): bound += try bindTCP(host, port, inheritance)
        case .unix(let folder, let port): bound.append(try bindUnix(folder, port, inheritance))
        }
      } catch {
        for listener in bound { listener.socket.close() }
        throw error
      }
    }
    inheritance.closeOthers(than: bound.map(\.key))
    return bound
  }

  /// A socket of systemd's, which is opened again by systemd, not by us.
  private static func activated(_ fd: Int32) -> BoundListener {
    let socket = Socket(fd: fd)
    let name = socket.localPort.map { "systemd's port \($0)" } ?? "systemd's socket"
    return BoundListener(
      socket: socket, address: name, isUnix: socket.localPort == nil, key: "systemd \(fd)", path: nil)
  }

  private static func bindTCP(
    _ host: String, _ port: UInt16, _ inheritance: Inheritance
  ) throws(PoolStartError) -> [BoundListener] {
    do {
      var bound: [BoundListener] = []
      for (number, address) in try SocketAddress.resolve(host: host, port: port, forListening: true)
        .enumerated()
      {
        let key = "tcp \(number) \(port) \(host)"
        let socket = try inheritance.listener(key) ?? address.listen()
        let actual = socket.localPort ?? port
        let name = host.contains(":") ? "[\(host)]:\(actual)" : "\(host):\(actual)"
        bound.append(BoundListener(socket: socket, address: name, isUnix: false, key: key, path: nil))
      }
      return bound
    } catch let error as SystemError {
      throw PoolStartError(
        "cannot listen on \(host):\(port): \(error.reason)",
        hint: error.code == EADDRINUSE
          ? "Another process has the port. End it, or choose another address with --listen."
          : "Choose an address of this machine and a port that you may use, with --listen.")
    } catch {
      throw PoolStartError("cannot listen on \(host):\(port): \(error)", hint: "Check --listen.")
    }
  }

  private static func bindUnix(
    _ folder: String, _ port: UInt16, _ inheritance: Inheritance
  ) throws(PoolStartError) -> BoundListener {
    let path = "\(folder)/.s.PGSQL.\(port)"
    let key = "unix \(path)"
    if let socket = inheritance.listener(key) {
      return BoundListener(socket: socket, address: "unix:\(path)", isUnix: true, key: key, path: path)
    }
    do {
      let address = try SocketAddress(unixPath: path)
      // A socket that nobody answers on is left over from a process that was killed.
      if access(path, F_OK) == 0 {
        if let probe = try? address.connect() {
          probe.close()
          throw SystemError(call: "bind", code: EADDRINUSE)
        }
        unlink(path)
      }
      let socket = try address.listen()
      chmod(path, 0o777)
      return BoundListener(socket: socket, address: "unix:\(path)", isUnix: true, key: key, path: path)
    } catch let error as SystemError {
      throw PoolStartError(
        "cannot listen on \(path): \(error.reason)",
        hint: error.code == EADDRINUSE
          ? "Another process answers there. End it, or choose another folder or port."
          : "The folder must exist and be writable.")
    } catch {
      throw PoolStartError("cannot listen on \(path): \(error)", hint: "Choose a shorter path.")
    }
  }
}
