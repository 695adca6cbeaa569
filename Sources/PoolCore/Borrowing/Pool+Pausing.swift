// Identities that nobody borrows as for a while: what they have is closed as it comes back, and who asks waits.

extension Pool {
  package mutating func pause(_ identity: IdentityID) {
    guard !identities[Int(identity.index)].isPaused else { return }
    identities[Int(identity.index)].isPaused = true
    pausedCount += 1
  }

  /// See what is to be opened for those who have waited.
  package mutating func resume(_ identity: IdentityID) {
    guard identities[Int(identity.index)].isPaused else { return }
    identities[Int(identity.index)].isPaused = false
    pausedCount -= 1
  }

  package func isPaused(_ identity: IdentityID) -> Bool { identities[Int(identity.index)].isPaused }

  /// The longest waiter of those who can be served.
  package var longestWaiter: ClientID {
    var client = queue.first
    while pausedCount > 0, client != .none, isPaused(clients[Int(client.index)].identity) {
      client = clients[Int(client.index)].queueLink.next
    }
    return client
  }
}
