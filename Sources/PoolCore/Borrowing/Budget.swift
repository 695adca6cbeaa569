/// One cap on backends, divided among the loops of a pool (`threads`), each of which has a ``Pool``.
///
/// A loop opens backends within its part, takes another place when that is used up, and gives back what it does not
/// need. Together the parts never exceed the cap, but for a while after the cap has shrunk. A backend that goes from one
/// loop to another takes its place along.
package struct Budget: Sendable {
  package private(set) var cap: Int
  /// How many backends each loop may have open.
  package private(set) var parts: [Int]
  /// One place, if there are two, is for look-ups of users; see ``Pool/openApart(_:at:)``.
  private let keepsPlace: Bool
  /// Places that the process has still whose work this one takes over.
  package var elsewhere = 0
  /// Backends that look users up.
  private var apart = 0
  /// Backends of users who have a limit of their own, over all loops.
  private var ofUsers: [[UInt8]: Int] = [:]

  /// A loop that is alone has the whole cap for its part.
  package init(cap: Int, loops: Int, keepsPlace: Bool = false) {
    self.cap = max(1, cap)
    self.keepsPlace = keepsPlace
    parts = loops == 1 ? [self.cap] : [Int](repeating: 0, count: loops)
  }

  /// Places in nobody's part; below zero after the cap has shrunk.
  package var left: Int { cap - elsewhere - taken }

  /// Places that the loops have.
  package var taken: Int { parts.reduce(0, +) }

  /// A place more for the loop, for a client or for look-ups. False when there is none.
  package mutating func take(_ loop: Int, isApart: Bool = false) -> Bool {
    let kept = keepsPlace && apart == 0 && cap > 1 && !isApart ? 1 : 0
    guard left > kept else { return false }
    parts[loop] += 1
    if isApart { apart += 1 }
    return true
  }

  /// A backend that looked users up has ended; its place is as any other of its loop.
  package mutating func apartEnded() { apart = max(0, apart - 1) }

  package mutating func giveBack(_ count: Int, _ loop: Int) {
    precondition(count >= 0 && count <= parts[loop], "a loop gives back what it does not have")
    parts[loop] -= count
  }

  /// A backend has gone from one loop to another.
  package mutating func moved(from loop: Int, to other: Int) {
    precondition(parts[loop] > 0, "a backend leaves a loop that has no place for it")
    parts[loop] -= 1
    parts[other] += 1
  }

  package mutating func capChanged(to cap: Int) { self.cap = max(1, cap) }

  /// How many places the loop has too many since the cap has shrunk: its share of what all have.
  package func excess(of loop: Int) -> Int {
    let all = parts.reduce(0, +)
    guard all > cap else { return 0 }
    return ((all - cap) * parts[loop] + all - 1) / all
  }

  // MARK: Users with limits of their own

  /// A backend more for the user. False at the limit.
  package mutating func reserve(for user: [UInt8], limit: Int) -> Bool {
    guard ofUsers[user, default: 0] < limit else { return false }
    ofUsers[user, default: 0] += 1
    return true
  }

  package mutating func release(for user: [UInt8]) {
    guard let count = ofUsers[user] else { return }
    ofUsers[user] = count > 1 ? count - 1 : nil
  }
}
