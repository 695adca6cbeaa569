import PostgresWire

/// Both directions of a replication connection, which passes through as it comes: what is under way on it.
package struct ReplicationStream: Sendable {
  private var fromClient = FrameFollower()
  private var fromServer = FrameFollower()
  /// Queries and replication commands whose ReadyForQuery has not come.
  private var owed = 0
  /// Both sides send WAL and tidings of it (CopyBoth), until one of them ends it.
  package private(set) var isStreaming = false
  /// The client has said that it ends the connection.
  package private(set) var hasTerminated = false

  package init() {}

  package mutating func clientSent(_ bytes: Span<UInt8>) {
    var asked = 0
    var terminates = false
    fromClient.passed(bytes) { tag in
      switch tag {
      case FrontendTag.query, FrontendTag.sync, FrontendTag.functionCall: asked += 1
      case FrontendTag.terminate: terminates = true
      default: break  // tags are an open set
      }
    }
    owed += asked
    if terminates { hasTerminated = true }
  }

  package mutating func serverSent(_ bytes: Span<UInt8>) {
    var answered = 0
    var streams = isStreaming
    fromServer.passed(bytes) { tag in
      switch tag {
      case BackendTag.copyBothResponse: streams = true
      case BackendTag.copyDone, BackendTag.errorResponse, BackendTag.commandComplete: streams = false
      case BackendTag.readyForQuery:
        streams = false
        answered += 1
      default: break  // tags are an open set
      }
    }
    isStreaming = streams
    owed = max(0, owed - answered)
  }

  /// A command runs that would be lost with the connection: a base backup, a query. What streams goes on from where
  /// it was on the next one.
  package var isRunning: Bool { owed > 0 && !isStreaming }

  /// The client may be told of an end: it is at no message's middle, and loses nothing.
  package var mayEnd: Bool { fromServer.isBetweenMessages && !isRunning }

  /// The server is at no message's middle: a Terminate would be read as one.
  package var takesTerminate: Bool { fromClient.isBetweenMessages && !hasTerminated }
}
