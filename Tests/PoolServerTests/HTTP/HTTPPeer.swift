import NIOCore
import NIOPosix

/// Sends bytes to a port and gathers what comes back until the other side closes.
enum HTTPPeer {
  /// - Parameter isFinished: closes when what has come satisfies it; else waits for the other side to close.
  static func exchange(
    _ request: String, port: UInt16, until isFinished: @escaping @Sendable (String) -> Bool = { _ in false }
  ) async throws -> String {
    let group = MultiThreadedEventLoopGroup.singleton
    let answer = group.any().makePromise(of: String.self)
    let channel = try await ClientBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Gatherer(answer, isFinished))
        }
      }
      .connect(host: "127.0.0.1", port: Int(port)).get()
    // The other side may close in the middle of a request that is too long for it.
    try? await channel.writeAndFlush(ByteBuffer(string: request)).get()
    return try await answer.futureResult.get()
  }

  private final class Gatherer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answer: EventLoopPromise<String>
    private let isFinished: @Sendable (String) -> Bool
    private var text = ""

    init(_ answer: EventLoopPromise<String>, _ isFinished: @escaping @Sendable (String) -> Bool) {
      self.answer = answer
      self.isFinished = isFinished
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      text += String(buffer: unwrapInboundIn(data))
      if isFinished(text) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { answer.succeed(text) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}
