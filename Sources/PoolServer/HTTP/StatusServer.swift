import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The HTTP endpoint for probes and metrics, on a thread of its own beside the data path.
package final class StatusServer: Sendable {
  /// How the pool is asked: whoever implements it calls the closure once, on any thread.
  package typealias Source = @Sendable (SnapshotDetail, @escaping @Sendable (PoolSnapshot) -> Void) -> Void

  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  /// The port it listens on; of interest when 0 was asked for.
  package let boundPort: UInt16

  private init(group: MultiThreadedEventLoopGroup, channel: any Channel) {
    self.group = group
    self.channel = channel
    boundPort = UInt16(clamping: channel.localAddress?.port ?? 0)
  }

  /// Binds and serves. Blocks until bound; not for use on an event loop.
  /// - Parameters:
  ///   - host: a name or address; `*` for all IPv4 addresses.
  ///   - port: 0 takes any free one.
  ///   - source: where each answer's facts come from. One that takes longer than 2 s is answered by 503.
  /// - Throws: ``StatusServerError`` when the address cannot be bound.
  package static func start(
    host: String, port: UInt16, source: @escaping Source
  ) throws(StatusServerError) -> StatusServer {
    try start(host: host, port: port, limits: StatusLimits(), source: source)
  }

  /// As ``start(host:port:source:)``, with other limits.
  static func start(
    host: String, port: UInt16, limits: StatusLimits, source: @escaping Source
  ) throws(StatusServerError) -> StatusServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let open = OpenConnections()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard open.entered(limits.connections) else { throw ChannelError.ioOnClosedChannel }
          channel.closeFuture.whenComplete { _ in open.left() }
          var decoder = NIOHTTPDecoderLimitConfiguration()
          decoder.maxHeaderFieldSize = 8_192
          decoder.maxHeaderListSize = 16_384
          decoder.maxHeaderFieldCount = 64
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: true,
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoder)
          try channel.pipeline.syncOperations.addHandler(StatusHandler(source: source, limits: limits))
        }
      }
    do {
      let channel = try bootstrap.bind(host: host == "*" ? "0.0.0.0" : host, port: Int(port)).wait()
      return StatusServer(group: group, channel: channel)
    } catch {
      let reason = StatusServerError.reason(error)
      try? group.syncShutdownGracefully()
      throw StatusServerError(
        address: host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)", reason: reason)
    }
  }

  /// Ends all connections and gives the port back. Blocks until both is done.
  package func stop() {
    try? channel.close().wait()
    try? group.syncShutdownGracefully()
  }
}

/// What keeps a slow or hostile peer from holding the endpoint.
struct StatusLimits: Sendable {
  /// Connections at once; further ones are closed at once.
  var connections = 128
  /// From a connection's begin or its last answer to the end of the next request.
  var idleMilliseconds: Int64 = 75_000
  /// How long the pool may take to answer.
  var answerMilliseconds: Int64 = 2_000
  /// Bytes of a request's body that are read and dropped; none of the pages wants one.
  var bodyBytes = 65_536
}

/// The endpoint's address cannot be had.
package struct StatusServerError: Error, Equatable, Sendable {
  /// `HOST:PORT`.
  package let address: String
  /// The system's words.
  package let reason: String

  package var message: String { "cannot serve /metrics on \(address): \(reason)" }
  package var hint: String { "another http_listen, or http_listen = \"\" to do without" }

  fileprivate static func reason(_ error: any Error) -> String {
    switch error {
    case let error as IOError: SystemError(call: "bind", code: error.errnoCode).reason
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { "\($0.error)" } ?? "the name \(error.host) has no address"
    case let error as SocketAddressError: "\(error)"
    default: "\(error)"
    }
  }
}

/// How many connections there are. Only the endpoint's own thread changes it.
private final class OpenConnections: Sendable {
  private let count = Atomic<Int>(0)

  func entered(_ limit: Int) -> Bool {
    let now = count.add(1, ordering: .relaxed).newValue
    if now <= limit { return true }
    left()
    return false
  }

  func left() { count.subtract(1, ordering: .relaxed) }
}
