package import LibPQ

extension DatabaseTarget {
  /// Opens a session.
  /// - Throws: `Failure` naming the target, with the server's SQLSTATE and a hint.
  package func connect(applicationName: String = "dbtool") throws(Failure) -> Connection {
    do throws(ConnectionFailure) {
      return try Connection(libpqParameters(applicationName: applicationName))
    } catch {
      throw Failure(error, to: self)
    }
  }
}
