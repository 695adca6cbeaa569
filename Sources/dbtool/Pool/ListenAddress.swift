import PoolServer

/// Where something listens, as users write it: `host:port`, `[::1]:port`, `*:port`, `unix:/folder`.
enum ListenAddress {
  /// libpq's default port is 5432; a Unix socket is found by folder and port, so it takes the port of the first TCP
  /// address beside it, else this one.
  static let defaultPort: UInt16 = 6432

  /// The listeners of a list.
  /// - Throws: ``PoolValueProblem`` that repeats the address.
  static func listeners(_ texts: [String]) throws(PoolValueProblem) -> [PoolSettings.Listener] {
    guard !texts.isEmpty else {
      throw PoolValueProblem(what: "is empty, so no client could connect", hint: forms)
    }
    var tcp: [(host: String, port: UInt16)] = []
    for text in texts where folder(text) == nil { tcp.append(try hostAndPort(text)) }
    let socketPort = tcp.first { $0.port != 0 }?.port ?? defaultPort
    var result: [PoolSettings.Listener] = []
    var next = tcp.makeIterator()
    for text in texts {
      let listener: PoolSettings.Listener
      if let folder = folder(text) {
        listener = .unix(folder: try checkedFolder(folder, port: socketPort, text), port: socketPort)
      } else if let address = next.next() {
        listener = .tcp(host: address.host, port: address.port)
      } else {
        continue
      }
      // Port 0 is another port each time.
      if result.contains(listener), !text.hasSuffix(":0") {
        throw PoolValueProblem(what: "names \(text.quoted) twice")
      }
      result.append(listener)
    }
    return result
  }

  /// `HOST:PORT`; port 0 takes any free one, and the log says which.
  static func hostAndPort(_ text: String) throws(PoolValueProblem) -> (host: String, port: UInt16) {
    guard let colon = text.lastIndex(of: ":") else {
      throw PoolValueProblem(what: "has no port in \(text.quoted)", hint: forms)
    }
    guard let port = UInt16(text[text.index(after: colon)...]) else {
      throw PoolValueProblem(what: "has no port from 0 to 65535 at the end of \(text.quoted)", hint: forms)
    }
    var host = text[..<colon]
    if host.hasPrefix("[") || host.hasSuffix("]") {
      guard host.hasPrefix("["), host.hasSuffix("]"), host.contains(":") else {
        throw PoolValueProblem(what: "has no IPv6 address between [ and ] in \(text.quoted)", hint: forms)
      }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw PoolValueProblem(what: "needs [ ] around the IPv6 address in \(text.quoted)", hint: forms)
    }
    guard !host.isEmpty else {
      throw PoolValueProblem(what: "has no host in \(text.quoted)", hint: "for all addresses: *\(text)")
    }
    guard !host.contains(where: { $0.isWhitespace || $0 == "/" || $0 == "," }) else {
      throw PoolValueProblem(what: "has no host name in \(text.quoted)", hint: forms)
    }
    return (String(host), port)
  }

  /// As ``hostAndPort(_:)`` reads it.
  static func text(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// As it was written.
  static func text(_ listener: PoolSettings.Listener) -> String {
    switch listener {
    case .tcp(let host, let port): text(host, port)
    case .unix(let folder, let port): "unix:\(folder) (port \(port))"
    }
  }

  private static func folder(_ text: String) -> Substring? {
    text.hasPrefix("unix:") ? text.dropFirst("unix:".count) : nil
  }

  private static func checkedFolder(
    _ folder: Substring, port: UInt16, _ text: String
  ) throws(PoolValueProblem) -> String {
    guard folder.hasPrefix("/") else {
      throw PoolValueProblem(what: "needs a whole path after unix: in \(text.quoted)", hint: forms)
    }
    var folder = folder
    while folder.count > 1, folder.hasSuffix("/") { folder = folder.dropLast() }
    // unix(7): sun_path holds 108 bytes with its end.
    guard folder.utf8.count + "/.s.PGSQL.\(port)".utf8.count <= 107 else {
      throw PoolValueProblem(
        what: "has a folder too long for a Unix socket in \(text.quoted)",
        hint: "at most 107 bytes with /.s.PGSQL.\(port)")
    }
    return String(folder)
  }

  private static let forms = #"as in "127.0.0.1:6432", "[::1]:6432", "*:6432" or "unix:/run/dbtool""#
}
