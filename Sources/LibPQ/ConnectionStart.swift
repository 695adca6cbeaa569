private import CLibPQ
private import Glibc

/// Opens a connection so that a refusal carries its SQLSTATE.
///
/// `PQconnectdbParams` gives only words. With the start-and-poll form the verbosity can be set before the
/// server answers, and the words then hold the code. `connect_timeout` is ours to keep in that form.
enum ConnectionStart {
  /// - Returns: an owned handle whose status is `CONNECTION_OK`.
  static func connect(_ parameters: [(String, String)]) throws(ConnectionFailure) -> OpaquePointer {
    let secrets = parameters.filter { $0.0 == "password" || $0.0 == "sslpassword" }.map(\.1)
    // With several hosts a timeout means "try the next one", which only libpq's own loop can do.
    let severalHosts = parameters.contains { ($0.0 == "host" || $0.0 == "hostaddr") && $0.1.contains(",") }
    let names = parameters.map { Optional($0.0) } + [nil]
    let values = parameters.map { Optional($0.1) } + [nil]
    let opened = CStrings.with(names) { names in
      CStrings.with(values) { values in
        severalHosts ? PQconnectdbParams(names, values, 0) : PQconnectStartParams(names, values, 0)
      }
    }
    guard let handle = opened else { throw ConnectionFailure(message: "out of memory") }
    do throws(ConnectionFailure) {
      if !severalHosts { try finish(handle, hiding: secrets) }
      guard PQstatus(handle) == CONNECTION_OK else { throw failure(of: handle, hiding: secrets) }
    } catch {
      PQfinish(handle)
      throw error
    }
    _ = PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
    return handle
  }

  private static func finish(_ handle: OpaquePointer, hiding secrets: [String]) throws(ConnectionFailure) {
    _ = PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    guard PQstatus(handle) != CONNECTION_BAD else { throw failure(of: handle, hiding: secrets) }
    let limit = timeoutSeconds(of: handle)
    let deadline = limit.map { ContinuousClock.now + .seconds($0) }
    var wanted = PGRES_POLLING_WRITING
    while true {
      let events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT
      var descriptor = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
      let left = deadline.map { milliseconds(until: $0) } ?? -1
      let ready = poll(&descriptor, 1, left)
      if ready == 0 {
        throw ConnectionFailure(message: "no answer within \(limit ?? 0) s (connect_timeout)")
      }
      if ready < 0, errno != EINTR {
        throw ConnectionFailure(message: "poll: \(String(cString: strerror(errno)))")
      }
      if ready < 0 { continue }
      wanted = PQconnectPoll(handle)
      switch wanted {
      case PGRES_POLLING_OK, PGRES_POLLING_FAILED: return
      default: continue  // reading or writing: wait for the socket again
      }
    }
  }

  /// `connect_timeout` as libpq resolved it from parameters, environment and service file; nil is no limit.
  /// Source: the manual: 0, negative or absent wait for ever, and 1 counts as 2.
  private static func timeoutSeconds(of handle: OpaquePointer) -> Int? {
    guard let options = PQconninfo(handle) else { return nil }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      if strcmp(keyword, "connect_timeout") == 0 {
        let seconds = option.pointee.val.flatMap { Int32(String(cString: $0)) }.map { Int($0) } ?? 0
        return seconds > 0 ? max(seconds, 2) : nil
      }
      option += 1
    }
    return nil
  }

  private static func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let left = (deadline - .now) / .milliseconds(1)
    return left <= 0 ? 0 : Int32(min(left + 1, 1_000_000_000))
  }

  private static func failure(of handle: OpaquePointer, hiding secrets: [String]) -> ConnectionFailure {
    let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    return ConnectionFailure(verbose: text, hiding: secrets)
  }
}
