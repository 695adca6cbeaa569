import NIOCore
import NIOHTTP1

/// One connection to the status endpoint: one request at a time.
final class StatusHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// The request's head is awaited. → `reading`.
    case idle
    /// The request's body is read and dropped. → `asking`, `idle`.
    case reading(HTTPRequestHead, bodyBytes: Int)
    /// The pool has been asked. → `idle` when it has answered or has taken too long.
    case asking(HTTPRequestHead, number: UInt64)
    /// Nothing more is answered.
    case closed
  }

  private let source: StatusServer.Source
  private let limits: StatusLimits
  private var state = State.idle
  /// Tells a late answer to an earlier question from one to the present.
  private var number: UInt64 = 0
  private var deadline: Scheduled<Void>?

  init(source: @escaping StatusServer.Source, limits: StatusLimits) {
    self.source = source
    self.limits = limits
  }

  func handlerAdded(context: ChannelHandlerContext) { expectRequest(context) }

  func handlerRemoved(context: ChannelHandlerContext) {
    state = .closed
    deadline?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .idle): state = .reading(head, bodyBytes: 0)
    case (.body(let bytes), .reading(let head, let sofar)):
      state = .reading(head, bodyBytes: sofar + bytes.readableBytes)
      if sofar + bytes.readableBytes > limits.bodyBytes { close(context) }
    case (.end, .reading(let head, _)): requested(head, context)
    // The pipeline hands a request on only after the answer to the one before; this is after `close`.
    case (.head, _), (.body, _), (.end, _): break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { close(context) }

  private func requested(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    switch StatusPage.answer(method: head.method.rawValue, target: head.uri) {
    case .now(let page): respond(page, to: head, context)
    case .ask(let topic):
      number += 1
      state = .asking(head, number: number)
      deadline?.cancel()
      let asked = number
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      let loop = context.eventLoop
      deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(limits.answerMilliseconds)) {
        self.answered(.timedOut, number: asked, context)
      }
      source(topic.detail) { snapshot in
        loop.execute {
          let (handler, context) = bound.value
          handler.answered(StatusPage(topic, snapshot), number: asked, context)
        }
      }
    }
  }

  private func answered(_ page: StatusPage, number: UInt64, _ context: ChannelHandlerContext) {
    guard case .asking(let head, number) = state else { return }
    respond(page, to: head, context)
  }

  private func respond(_ page: StatusPage, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    var headers = HTTPHeaders([
      ("Content-Type", page.contentType), ("Content-Length", String(page.body.utf8.count)),
      ("Cache-Control", "no-store"), ("Content-Security-Policy", page.policy),
      ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
    ])
    if let allow = page.allow { headers.add(name: "Allow", value: allow) }
    if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
    let response = HTTPResponseHead(
      version: head.version, status: HTTPResponseStatus(statusCode: page.status), headers: headers)
    context.write(wrapOutboundOut(.head(response)), promise: nil)
    if head.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: page.body)))), promise: nil)
    }
    // Before the answer's end is written: that lets the pipeline hand on the next request, at once.
    if head.isKeepAlive {
      state = .idle
      expectRequest(context)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    } else {
      state = .closed
      deadline?.cancel()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    }
  }

  /// Sets the time by which the next request must be there, whole.
  private func expectRequest(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(limits.idleMilliseconds)) {
      self.close(context)
    }
  }

  private func close(_ context: ChannelHandlerContext) {
    state = .closed
    deadline?.cancel()
    context.close(promise: nil)
  }
}
