import DatabaseTools
import Glibc
import PoolServer

/// Asks a pool's status endpoint for a document.
struct StatusFetch: Sendable {
  /// As in `http_listen`, or a URL without a path.
  let host: String
  let port: UInt16

  /// How long the pool may take, connect included. Milliseconds.
  static let patience: Int32 = 5_000
  private static let mostBytes = 4 << 20

  /// For people.
  var address: String { ListenAddress.text(host, port) }

  /// - Throws: `Failure` with the status of a wrong command line.
  init(url: String) throws(Failure) {
    var rest = url[...]
    if let scheme = rest.firstRange(of: "://") {
      guard rest[..<scheme.lowerBound] == "http" else {
        throw .usage("--url takes http://HOST:PORT, not \(url.quoted)")
      }
      rest = rest[scheme.upperBound...]
    }
    if let slash = rest.firstIndex(of: "/") { rest = rest[..<slash] }
    let hasPort = rest.last != "]" && rest.split(separator: ":", omittingEmptySubsequences: false).count != 1
    do throws(PoolValueProblem) {
      self.init(try ListenAddress.hostAndPort(hasPort ? String(rest) : "\(rest):9137"))
    } catch {
      throw .usage("--url \(error.what)", hint: "as in http://127.0.0.1:9137")
    }
  }

  /// An address to listen on all of is asked on this machine.
  init(_ listen: (host: String, port: UInt16)) {
    host = ["*", "0.0.0.0"].contains(listen.host) ? "127.0.0.1" : listen.host == "::" ? "::1" : listen.host
    port = listen.port
  }

  /// The body of the answer to GET.
  /// - Throws: `Failure` when nobody answers, or something else than a pool does.
  func body(of path: String) throws(Failure) -> String {
    let hint = "see http_listen of the pool; --url names it"
    let socket: Socket
    do {
      guard let first = try SocketAddress.resolve(host: host, port: port).first else {
        throw Failure("\(address): the name has no address", hint: hint)
      }
      socket = try first.connect()
    } catch let error as AddressError {
      throw Failure("\(address): \(error.message)", hint: hint)
    } catch let error as SystemError {
      throw Failure("\(address): \(error.reason)", hint: hint)
    } catch let error as Failure {
      throw error
    } catch {
      throw Failure("\(address): \(error)", hint: hint)
    }
    defer { socket.close() }
    guard wait(socket, POLLOUT) else {
      throw Failure("\(address): no answer within \(Self.patience / 1_000) s", hint: hint)
    }
    // Reading it takes it away.
    let refusal = socket.pendingError
    guard refusal == 0 else {
      throw Failure("\(address): \(String(cString: strerror(refusal)))", hint: hint)
    }
    _ = socket.write(Array("GET \(path) HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8))
    let answer = try all(of: socket)
    let head = answer.prefix { $0 != "\r\n" }.split(separator: " ")
    guard head.count > 1, head[0].hasPrefix("HTTP/1."), let begin = answer.firstRange(of: "\r\n\r\n") else {
      throw Failure("\(address): this is no pool's status endpoint", hint: hint)
    }
    let body = String(answer[begin.upperBound...])
    guard head[1] == "200" else {
      let words = body.split(separator: "\n").first.map { ": \(Failure.printable($0))" } ?? ""
      throw Failure("\(address) answers \(Failure.printable(head[1]))\(words)", hint: hint)
    }
    return body
  }

  private func all(of socket: Socket) throws(Failure) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while wait(socket, POLLIN) {
      let count = read(socket.fd, &buffer, buffer.count)
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
      guard bytes.count <= Self.mostBytes else { break }
    }
    throw Failure("\(address): the answer does not end")
  }

  private func wait(_ socket: Socket, _ events: Int32) -> Bool {
    var waiting = pollfd(fd: socket.fd, events: Int16(events), revents: 0)
    return poll(&waiting, 1, Self.patience) > 0
  }
}
