extension Pool {
  /// Who borrows the backend; `.none` when nobody does.
  package func borrower(of backend: BackendID) -> ClientID { backends[Int(backend.index)].borrower }

  package func identity(of backend: BackendID) -> IdentityID { backends[Int(backend.index)].identity }

  /// Since when the backend's borrower has it.
  package func lentSince(_ backend: BackendID) -> Instant { backends[Int(backend.index)].lentAt }

  package func isIdle(_ backend: BackendID) -> Bool { backends[Int(backend.index)].state == .idle }

  package func connectedAt(_ backend: BackendID) -> Instant { backends[Int(backend.index)].connectedAt }

  /// The backend that has been lent longest, for the error that tells a client why it got none.
  package var longestLent: BackendID? {
    var found: BackendID?
    for index in backends.indices where backends[index].state == .lent && backends[index].borrower != .none {
      if let best = found, backends[Int(best.index)].lentAt <= backends[index].lentAt { continue }
      found = BackendID(index)
    }
    return found
  }

  /// Idle backends that have been idle at least since `moment`, one at a time (for `server_idle_timeout`).
  package func idleBackend(since moment: Instant) -> BackendID? {
    for index in backends.indices where backends[index].state == .idle {
      if backends[index].idleSince <= moment { return BackendID(index) }
    }
    return nil
  }

  /// An idle backend that was connected before `moment` (for `server_lifetime`).
  package func idleBackend(connectedBefore moment: Instant) -> BackendID? {
    for index in backends.indices where backends[index].state == .idle {
      if backends[index].connectedAt <= moment { return BackendID(index) }
    }
    return nil
  }

  /// How many slots the table has ever needed; backends have indices below it.
  package var backendTableSize: Int { backends.count }

  /// The longest waiter, whoever it is.
  package var longestWaiter: ClientID { queue.first }

  /// Open backends of an identity, connecting and closing ones included.
  package func openCount(of identity: IdentityID) -> Int { identities[Int(identity.index)].open }

  /// How many of an identity wait.
  package func waitingCount(of identity: IdentityID) -> Int { identities[Int(identity.index)].waiterCount }

  /// The longest waiter of an identity.
  package func longestWaiter(of identity: IdentityID) -> ClientID {
    identities[Int(identity.index)].waiters.first
  }
}
