/// What the status endpoint answers, decided without a socket.
struct StatusPage: Equatable, Sendable {
  var status: Int
  var contentType = StatusPage.plain
  var body: String
  /// Sent as the `Allow` header.
  var allow: String?
  /// What a browser may do with the page (`Content-Security-Policy`).
  var policy = "default-src 'none'; frame-ancestors 'none'"

  static let plain = "text/plain; charset=utf-8"
  static let timedOut = StatusPage(status: 503, body: "the pool's loop did not answer within 2 s\n")

  /// Whether the pool must be asked before a request can be answered.
  enum Answer: Equatable, Sendable {
    case now(StatusPage)
    case ask(Topic)
  }

  enum Topic: String, CaseIterable, Sendable {
    case metrics = "/metrics"
    /// What the page at `/` shows.
    case status = "/status.json"
    /// Alive: the loop answers.
    case livez = "/livez"
    /// Ready: clients that come now will be served.
    case readyz = "/readyz"

    var detail: SnapshotDetail {
      switch self {
      case .status: .clients
      case .metrics, .livez, .readyz: .counts
      }
    }
  }

  /// - Parameter target: the request line's path, perhaps with a query string, which is ignored.
  static func answer(method: String, target: String) -> Answer {
    let path = String(target.prefix { $0 != "?" && $0 != "#" })
    let topic = Topic(rawValue: path)
    guard topic != nil || path == "/" else {
      return .now(
        StatusPage(status: 404, body: "there are /, /status.json, /metrics, /livez and /readyz\n"))
    }
    guard method == "GET" || method == "HEAD" else {
      return .now(StatusPage(status: 405, body: "only GET and HEAD\n", allow: "GET, HEAD"))
    }
    return topic.map { .ask($0) } ?? .now(StatusHTML.page)
  }

  /// The page for a topic once the pool has answered.
  init(_ topic: Topic, _ snapshot: PoolSnapshot, of process: @autoclosure () -> ProcessFacts = .now) {
    switch topic {
    case .metrics:
      self.init(
        status: 200, contentType: MetricsText.contentType, body: snapshot.openMetrics(of: process()))
    case .status:
      self.init(
        status: 200, contentType: "application/json", body: snapshot.statusJSON(of: process()))
    case .livez: self.init(status: 200, body: "alive\n")
    case .readyz:
      if let reason = Self.notReady(snapshot) {
        self.init(status: 503, body: "not ready: \(reason)\n")
      } else {
        self.init(status: 200, body: "ready\n")
      }
    }
  }

  /// Why clients that come now would not be served; `nil` when they would.
  private static func notReady(_ snapshot: PoolSnapshot) -> String? {
    if snapshot.isDraining { return "draining" }
    guard !snapshot.isServerReachable else { return nil }
    let reason = snapshot.serverError.isEmpty ? "" : ": \(snapshot.serverError)"
    guard snapshot.isServerDown else {
      return snapshot.serverError.isEmpty
        ? "the server has not been reached yet" : "the server cannot be entered\(reason)"
    }
    let seconds = snapshot.serverDownNanoseconds / 1_000_000_000
    return "the server has been unreachable for \(seconds) s\(reason)"
  }

  init(status: Int, contentType: String = StatusPage.plain, body: String, allow: String? = nil) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.allow = allow
  }
}
