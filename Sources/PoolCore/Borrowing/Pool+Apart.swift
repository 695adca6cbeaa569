// A slot beside those that clients borrow: look-ups of users need it when all others are busy, since nobody could log
// in otherwise.

extension Pool {
  /// How many of the cap are for clients; a cap of one has nothing to keep.
  private var forClients: Int {
    keepsSlot && most > 1 ? most - 1 : most
  }

  /// Whether one more backend may be opened for clients.
  var hasRoom: Bool { openCount < most && openCount - apartCount < forClients }

  /// Clients have more than theirs: the cap has shrunk, or the slot is kept since a moment ago.
  var hasTaken: Bool { connectingCount + idleCount + lentCount - apartCount > forClients }

  /// A backend that no client will borrow. Where the cap is reached, an idle one is to be given up for it.
  /// - Returns: `nil`: not now; ask again when a slot has become free or a connect may be tried.
  package mutating func openApart(_ identity: IdentityID, at now: Instant) -> OpenAction? {
    if let connectsResume, now < connectsResume { return nil }
    guard openCount < most else {
      if isSlotComing { return nil }
      return longestIdle(otherThan: identity).map { .close($0) }
    }
    let backend = open(identity)
    backends[Int(backend.index)].isApart = true
    apartCount += 1
    return .connect(backend, identity)
  }

  /// It is logged in, and stays out of the clients' reach until it is closed.
  package mutating func connectedApart(_ backend: BackendID, at now: Instant) {
    precondition(
      backends[Int(backend.index)].state == .connecting && backends[Int(backend.index)].isApart,
      "connected apart what is not: \(backend.index)")
    loggedIn(backend, at: now)
  }
}
