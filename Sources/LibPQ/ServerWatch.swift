/// Told about a connection's statements while it waits for its server, on the connection's own thread.
package protocol ServerWatch: AnyObject {
  /// Readable when the watcher wants to be told at once; below 0 there is none.
  var descriptor: Int32 { get }

  /// A statement, or a piece of COPY data, is about to be sent.
  /// - Throws: `ServerError` that keeps it from being sent, and stands for its answer.
  func willSend() throws(ServerError)

  /// There is no answer yet: called every ``ServerWaiting/interval``, and when ``descriptor`` is readable.
  /// The connection itself is busy; it can be cancelled, and nothing else.
  /// - Parameter milliseconds: since the waiting began.
  func isWaiting(_ connection: Connection, milliseconds: Int)

  /// An answer has come, the statement's failure or nil.
  func hasAnswered(_ failure: ServerError?)
}

/// How the waiting for a server is divided.
package enum ServerWaiting {
  /// Milliseconds between two calls of a watcher.
  package static let interval = 200
}
