/// What has been ordered at the console, as every loop knows it.
struct ConsoleState {
  /// PAUSE without a database.
  var isAllPaused = false
  /// By the databases' names at the server.
  var paused: Set<String> = []
  /// By the names that clients use.
  var disabled: Set<String> = []
  /// SHUTDOWN WAIT_FOR_CLIENTS: nobody new comes in, and the pool ends once all have left.
  var isLeaving = false

  var isPausing: Bool { isAllPaused || !paused.isEmpty }

  func isPaused(_ target: String) -> Bool { isAllPaused || paused.contains(target) }
}

/// What a command at the console waits for.
enum ConsoleWait {
  /// No backend is left; of the whole pool where no database is named.
  case pause(target: String?)
  /// No backend is left that is to be closed.
  case close(target: String?)
}
