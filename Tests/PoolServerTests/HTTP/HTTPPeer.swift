import NIOCore
import NIOPosix

/// Sends bytes to a port and gathers what comes back until the other side closes. All of it happens on the event
/// loop: the threads that run tests may be busy for longer than the endpoint keeps a silent connection.
enum HTTPPeer {
  /// - Parameter isFinished: closes when what has come satisfies it; else waits for the other side to close.
  static func exchange(
    _ request: String, port: UInt16, until isFinished: @escaping @Sendable (String) -> Bool = { _ in false }
  ) async throws -> String {
    let group = MultiThreadedEventLoopGroup.singleton
    let answer = group.any().makePromise(of: String.self)
    _ = try await ClientBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Gatherer(request, answer, isFinished))
        }
      }
      .connect(host: "127.0.0.1", port: Int(port)).get()
    return try await answer.futureResult.get()
  }

  private final class Gatherer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: String
    private let answer: EventLoopPromise<String>
    private let isFinished: @Sendable (String) -> Bool
    private var text = ""

    init(
      _ request: String, _ answer: EventLoopPromise<String>,
      _ isFinished: @escaping @Sendable (String) -> Bool
    ) {
      self.request = request
      self.answer = answer
      self.isFinished = isFinished
    }

    func channelActive(context: ChannelHandlerContext) {
      // The other side may close in the middle of a request that is too long for it.
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      text += String(buffer: unwrapInboundIn(data))
      if isFinished(text) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { answer.succeed(text) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
