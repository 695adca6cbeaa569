/// How large the pool may get and how it paces itself.
package struct PoolLimits: Sendable {
  /// Hard cap on backends of the server, over all users and databases; of a loop that shares it, its part, which may be
  /// nothing.
  package var maxBackends: Int
  /// The limit is a part of a ``Budget``: more may be had.
  package var isPart: Bool
  /// How many clients may wait; 0 = no limit.
  package var maxQueue: Int
  /// How many connects may be under way at once, so that a restarted server does not meet a herd.
  package var maxConnecting: Int
  /// How long a backend serves its identity before it may be given up for another. Nanoseconds.
  package var minimumTenure: UInt64
  /// Wait after a failed connect, in milliseconds.
  package var connectBackoff: UInt64

  package init(
    maxBackends: Int, isPart: Bool = false, maxQueue: Int = 0, maxConnecting: Int = 8,
    minimumTenure: UInt64 = 250_000_000,
    connectBackoff: UInt64 = 250
  ) {
    self.maxBackends = max(isPart ? 0 : 1, maxBackends)
    self.isPart = isPart
    self.maxQueue = maxQueue
    self.maxConnecting = max(1, maxConnecting)
    self.minimumTenure = minimumTenure
    self.connectBackoff = connectBackoff
  }
}

/// The answer to a client that asks for a backend.
package enum BorrowAction: Equatable, Sendable {
  /// The backend is the client's now.
  case lend(BackendID)
  /// The client waits in the queue; see whether ``Pool/nextToOpen(at:)`` has something to open.
  case wait
  /// The queue is full (`max_borrow_queue`).
  case refuse
}

/// What becomes of a backend that was given back.
package enum ReturnAction: Equatable, Sendable {
  /// It is the waiting client's now.
  case lend(to: ClientID)
  /// It stays idle.
  case keep
  /// Close it; call ``Pool/closing(_:)`` and, at the server's end of file, ``Pool/closed(_:)``.
  case close
}

/// What to do for those who wait.
package enum OpenAction: Equatable, Sendable {
  /// Connect a new backend in this slot.
  case connect(BackendID, IdentityID)
  /// Close this idle backend, whose slot another identity needs.
  case close(BackendID)
  /// The loop's part is used up, and this identity's waiter needs a place of the others.
  case ask(IdentityID)
}
