import PoolCore

extension PoolLoop {
  /// Takes the backend from the ring, its connection staying as it is. False when something has come for it meanwhile, or
  /// the kernel does not let go of it.
  mutating func partFromRing(backend index: Int) -> Bool {
    if ring.hasRequests { settleSends() }
    guard backends[index].outgoing.isEmpty else { return false }
    guard backendLinks.isQuiet(index) else { return false }
    if backendLinks.isArmed(index) {
      backendLinks.stop(index, ring)
      let token = Token(.backend, index, generation: backends[index].generation)
      guard hasStoppedReceiving(token.raw) else { return false }
    }
    backendLinks.part(index, poller)
    return true
  }

  /// The same for a client.
  mutating func partFromRing(client index: Int) -> Bool {
    if ring.hasRequests { settleSends() }
    guard clients[index].outgoing.isEmpty, clientLinks.isQuiet(index) else { return false }
    if clientLinks.isArmed(index) {
      clientLinks.stop(index, ring)
      let token = Token(.client, index, generation: clients[index].generation)
      guard hasStoppedReceiving(token.raw) else { return false }
    }
    clientLinks.part(index, poller)
    return true
  }

  /// The kernel was told to receive no more: waits until it does not. False when something has come meanwhile.
  private mutating func hasStoppedReceiving(_ token: UInt64) -> Bool {
    var looked = nextCompletion
    for _ in 0..<50 {
      ring.enter(waitsFor: 1, nanoseconds: 10_000_000)
      harvest()
      // They stay where they are: each gives its buffer back when its turn comes.
      while looked < completions.count {
        let completion = completions[looked]
        looked += 1
        guard completion.token == token else { continue }
        if completion.result > 0 { return false }
        if !completion.goesOn { return true }
      }
    }
    return false
  }
}
