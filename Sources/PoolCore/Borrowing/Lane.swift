/// A share of the backends for some clients, so that one kind of work cannot starve another: reserved for checkout, say,
/// while the catalogue may have at most half.
package struct Lane: Equatable, Sendable {
  package var name: String
  /// Patterns that a client's startup values must all fit: exact, or with `*` for anything; `nil` fits everything.
  package var user: String?
  package var database: String?
  package var applicationName: String?
  /// So many backends are kept for the lane, whether it needs them or not.
  package var reserved = 0
  /// It never has more; 0: as many as the cap allows.
  package var maxBackends = 0
  /// What it gets beside other lanes whose clients wait, too.
  package var weight = 1

  package init(name: String) { self.name = name }

  /// Whether a client with these startup values belongs here.
  package func fits(user: [UInt8], database: [UInt8], applicationName: [UInt8]) -> Bool {
    Self.fits(self.user, user) && Self.fits(self.database, database)
      && Self.fits(self.applicationName, applicationName)
  }

  static func fits(_ pattern: String?, _ text: [UInt8]) -> Bool {
    guard let pattern else { return true }
    let parts = Array(pattern.utf8).split(
      separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
    guard parts.count > 1, let first = parts.first, let last = parts.last else {
      return text.elementsEqual(pattern.utf8)
    }
    guard text.count >= first.count + last.count, text.starts(with: first),
      text.suffix(last.count).elementsEqual(last)
    else { return false }
    var rest = text[first.count..<(text.count - last.count)]
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let end = Self.end(of: part, in: rest) else { return false }
      rest = rest[end...]
    }
    return true
  }

  /// Behind the first place where `part` stands.
  private static func end(of part: ArraySlice<UInt8>, in text: ArraySlice<UInt8>) -> Int? {
    guard text.count >= part.count else { return nil }
    for start in text.startIndex...(text.endIndex - part.count)
    where text[start..<(start + part.count)].elementsEqual(part) {
      return start + part.count
    }
    return nil
  }
}

/// How a lane stands.
package struct LaneState: Equatable, Sendable {
  package let lane: Lane
  /// Backends that its clients have.
  package fileprivate(set) var lent = 0
  /// Its clients in the queue.
  package fileprivate(set) var waiting = 0
}

// Lanes of a pool. Without any there is one, which everybody is in and nothing is asked about.

extension Pool {
  /// Before the first client: these, and behind them one for everybody else.
  package mutating func setLanes(_ lanes: [Lane]) {
    precondition(identities.isEmpty && clients.isEmpty, "lanes come before clients")
    self.lanes = lanes.isEmpty ? [] : (lanes + [Lane(name: "default")]).map { LaneState(lane: $0) }
  }

  package var hasLanes: Bool { !lanes.isEmpty }
  /// How many lists of waiters an identity has.
  var laneCount: Int { max(1, lanes.count) }

  /// Of whoever is in no other: listeners and replication, too.
  var defaultLane: UInt8 { UInt8(truncatingIfNeeded: laneCount - 1) }

  /// Which lane a client with these startup values is in.
  package func lane(user: [UInt8], database: [UInt8], applicationName: [UInt8]) -> Int {
    lanes.firstIndex { $0.lane.fits(user: user, database: database, applicationName: applicationName) } ?? 0
  }

  /// For the life of the client: one that could choose would choose the best.
  package mutating func enter(_ client: ClientID, lane: Int) {
    makeRoom(for: client)
    clients[Int(client.index)].lane = UInt8(truncatingIfNeeded: lane)
  }

  package func lane(of client: ClientID) -> LaneState? {
    guard hasLanes, Int(client.index) < clients.count else { return nil }
    return lanes[Int(clients[Int(client.index)].lane)]
  }

  mutating func laneWaits(_ client: ClientID, by change: Int) {
    if hasLanes { lanes[Int(clients[Int(client.index)].lane)].waiting += change }
  }

  mutating func laneHolds(_ client: ClientID, by change: Int) {
    if hasLanes { lanes[Int(clients[Int(client.index)].lane)].lent += change }
  }

  /// Whether one more backend may go to a client of this lane: it has not all that it may, and what others have reserved
  /// and do not have yet is left to them.
  func mayTake(_ lane: Int) -> Bool {
    let own = lanes[lane]
    if own.lane.maxBackends > 0, own.lent >= own.lane.maxBackends { return false }
    if own.lent < own.lane.reserved { return true }
    var taken = 0
    for (number, other) in lanes.enumerated() {
      taken += number == lane ? own.lent : max(other.lent, other.lane.reserved)
    }
    return taken < most
  }

  /// The list of an identity's waiters of a lane.
  func list(_ identity: IdentityID, _ lane: Int) -> Int { Int(identity.index) * laneCount + lane }

  /// Which of the identity's waiters is next: of lanes that have less than is reserved for them, then of all others in
  /// proportion to their weights.
  func next(of identity: IdentityID) -> ClientID {
    guard hasLanes else { return waiters[Int(identity.index)].first }
    var best: (client: ClientID, lane: Int)?
    for lane in lanes.indices where lanes[lane].waiting > 0 && mayTake(lane) {
      let client = waiters[list(identity, lane)].first
      guard client != .none else { continue }
      guard let other = best else {
        best = (client, lane)
        continue
      }
      if comes(lane, client, before: other.lane, other.client) { best = (client, lane) }
    }
    return best?.client ?? .none
  }

  private func comes(_ lane: Int, _ client: ClientID, before other: Int, _ rival: ClientID) -> Bool {
    let (one, two) = (lanes[lane], lanes[other])
    let isOwed = one.lent < one.lane.reserved
    guard isOwed == (two.lent < two.lane.reserved) else { return isOwed }
    let (mine, yours) = (one.lent * two.lane.weight, two.lent * one.lane.weight)
    guard mine == yours else { return mine < yours }
    return clients[Int(client.index)].waitingSince < clients[Int(rival.index)].waitingSince
  }

  /// The longest waiter of all whom its lane does not hold back.
  var firstInLine: ClientID {
    guard hasLanes else { return queue.first }
    guard hasOpenLane else { return .none }
    var client = queue.first
    while client != .none, !mayTake(Int(clients[Int(client.index)].lane)) {
      client = clients[Int(client.index)].queueLink.next
    }
    return client
  }

  /// Whether there is a waiter whom its lane does not hold back.
  var hasOpenLane: Bool { lanes.indices.contains { lanes[$0].waiting > 0 && mayTake($0) } }

  /// A lane has come to have less: an idle backend that a client of it or of another may have now. Ask until it answers
  /// `nil`, whenever a client has given its backend back.
  package mutating func nextToServe(at now: Instant) -> (backend: BackendID, client: ClientID)? {
    guard hasLanes, idleCount > 0, waitingCount > 0, hasOpenLane else { return nil }
    for index in identities.indices
    where identities[index].firstIdle != .none && identities[index].waiterCount > 0 {
      let client = next(of: IdentityID(index))
      guard client != .none else { continue }
      let backend = identities[index].firstIdle
      waitEnded(client)
      lend(backend, to: client, at: now)
      return (backend, client)
    }
    return nil
  }
}
