/// Which statements each client has prepared under which name.
///
/// One table for all clients, so that a client without prepared statements costs nothing.
package struct ClientStatements: Sendable {
  private var names: ByteTable
  private struct Named: Sendable {
    var statement: StatementID
    /// What the client was told that it returns.
    var told: Description?
  }

  /// By client and name's number.
  private var named = NumberTable<Named>()
  /// Each client's names, for when it ends.
  private var namesOf: [UInt32: [UInt32]] = [:]
  /// Each client's unnamed statement.
  private var unnamed: [StatementID] = []

  package init(seed: UInt64) { names = ByteTable(seed: seed) }

  private func key(_ client: ClientID, _ name: UInt32) -> UInt64 { UInt64(client.index) << 32 | UInt64(name) }

  /// The number of a name that some client has given.
  func number(of name: Span<UInt8>) -> UInt32 { names.find(name) ?? UInt32.max }

  /// The client has been told what the statement returns that it calls so.
  mutating func tell(
    _ client: ClientID, _ number: UInt32, _ statement: StatementID, _ description: Description
  ) {
    // Unless the name stands for another by now.
    guard let place = named.place(of: key(client, number)), named.values[place].statement == statement
    else { return }
    var description = description
    let known = named.values[place].told
    if description.parameters == nil { description.parameters = known?.parameters }
    if known != description { named[place: place].told = description }
  }

  /// What the client has been told that the statement of this name returns; `nil` when it never asked.
  func told(_ client: ClientID, named name: Span<UInt8>) -> Description? {
    guard let number = names.find(name), let place = named.place(of: key(client, number)) else { return nil }
    return named.values[place].told
  }

  /// Whether the client was told of the statement under any name.
  func isTold(_ client: ClientID, _ statement: StatementID) -> Bool {
    (namesOf[client.index] ?? []).contains { number in
      named[key(client, number)].map { $0.statement == statement && $0.told != nil } == true
    }
  }

  /// The statement that the client calls so; `nil` when it has none.
  package func statement(_ client: ClientID, named name: Span<UInt8>) -> StatementID? {
    guard let number = names.find(name), let place = named.place(of: key(client, number)) else { return nil }
    return named.values[place].statement
  }

  /// How many names the client has.
  package func count(of client: ClientID) -> Int { namesOf[client.index]?.count ?? 0 }

  /// All of the client's names, and what they stand for.
  func all(of client: ClientID) -> [(name: [UInt8], statement: StatementID)] {
    (namesOf[client.index] ?? []).compactMap { number in
      named[key(client, number)].map { (names.bytes(of: number), $0.statement) }
    }
  }

  /// One of the client's names for a statement.
  package func name(_ client: ClientID, of statement: StatementID) -> [UInt8]? {
    namesOf[client.index]?.last { named[key(client, $0)]?.statement == statement }.map { names.bytes(of: $0) }
  }

  /// The client names a statement. Answers the statement that had the name before, if any; it is replaced.
  package mutating func define(
    _ client: ClientID, name: Span<UInt8>, _ statement: StatementID
  ) -> StatementID? {
    if let number = names.find(name), let old = named[key(client, number)] {
      named.set(key(client, number), Named(statement: statement))
      return old.statement
    }
    let (number, _) = names.retain(name)
    named.set(key(client, number), Named(statement: statement))
    namesOf[client.index, default: []].append(number)
    return nil
  }

  /// The client closes a name. Answers the statement it stood for, if any.
  package mutating func close(_ client: ClientID, name: Span<UInt8>) -> StatementID? {
    guard let number = names.find(name), let old = named.remove(key(client, number)) else { return nil }
    namesOf[client.index]?.removeAll { $0 == number }
    _ = names.release(number)
    return old.statement
  }

  /// The client's names go but for those that stand for what `keeps` says. Answers what the others stood for.
  package mutating func closeAll(
    _ client: ClientID, except keeps: (StatementID) -> Bool
  ) -> [StatementID] {
    var statements: [StatementID] = []
    var kept: [UInt32] = []
    for number in namesOf.removeValue(forKey: client.index) ?? [] {
      guard let old = named[key(client, number)] else { continue }
      if keeps(old.statement) {
        kept.append(number)
        continue
      }
      named.remove(key(client, number))
      _ = names.release(number)
      statements.append(old.statement)
    }
    if !kept.isEmpty { namesOf[client.index] = kept }
    return statements
  }

  /// All of a client's names go: it has ended. Answers what they stood for.
  package mutating func closeAll(_ client: ClientID) -> [StatementID] {
    var statements: [StatementID] = []
    for number in namesOf.removeValue(forKey: client.index) ?? [] {
      if let old = named.remove(key(client, number)) { statements.append(old.statement) }
      _ = names.release(number)
    }
    return statements
  }

  /// The client's unnamed statement, which a simple Query or the next Parse replaces.
  package func unnamed(_ client: ClientID) -> StatementID {
    Int(client.index) < unnamed.count ? unnamed[Int(client.index)] : .none
  }

  /// Answers what was unnamed before.
  package mutating func setUnnamed(_ client: ClientID, _ statement: StatementID) -> StatementID {
    if statement == .none, Int(client.index) >= unnamed.count { return .none }
    while unnamed.count <= Int(client.index) { unnamed.append(.none) }
    let old = unnamed[Int(client.index)]
    unnamed[Int(client.index)] = statement
    return old
  }
}
