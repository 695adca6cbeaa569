/// What the status endpoint answers, decided without a socket.
struct StatusPage: Equatable, Sendable {
  var status: Int
  var contentType = StatusPage.plain
  var body: String
  /// Sent as the `Allow` header.
  var allow: String?

  static let plain = "text/plain; charset=utf-8"
  static let timedOut = StatusPage(status: 503, body: "the pool's loop did not answer within 2 s\n")

  /// Whether the pool must be asked before a request can be answered.
  enum Answer: Equatable, Sendable {
    case now(StatusPage)
    case ask(Topic)
  }

  enum Topic: String, Sendable {
    case metrics = "/metrics"
    /// Alive: the loop answers.
    case livez = "/livez"
    /// Ready: clients that come now will be served.
    case readyz = "/readyz"
  }

  /// - Parameter target: the request line's path, perhaps with a query string, which is ignored.
  static func answer(method: String, target: String) -> Answer {
    let path = target.prefix { $0 != "?" && $0 != "#" }
    guard let topic = Topic(rawValue: String(path)) else {
      return .now(StatusPage(status: 404, body: "there are /metrics, /livez and /readyz\n"))
    }
    guard method == "GET" || method == "HEAD" else {
      return .now(StatusPage(status: 405, body: "only GET and HEAD\n", allow: "GET, HEAD"))
    }
    return .ask(topic)
  }

  /// The page for a topic once the pool has answered.
  init(_ topic: Topic, _ snapshot: PoolSnapshot) {
    switch topic {
    case .metrics:
      self.init(status: 200, contentType: MetricsText.contentType, body: snapshot.openMetrics)
    case .livez: self.init(status: 200, body: "alive\n")
    case .readyz:
      if snapshot.isDraining {
        self.init(status: 503, body: "not ready: draining\n")
      } else if !snapshot.isServerReachable {
        self.init(status: 503, body: "not ready: the server is not reachable\n")
      } else {
        self.init(status: 200, body: "ready\n")
      }
    }
  }

  init(status: Int, contentType: String = StatusPage.plain, body: String, allow: String? = nil) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.allow = allow
  }
}
