/// What one backend has prepared, as far as its answers tell, and what is on its way.
///
/// Answers come late: what a Bind finds depends on the Parses and Closes that run ahead of it in the stream, and
/// those are skipped when something before them in their batch (up to its Sync) fails.
package struct BackendStatements: Sendable {
  private struct Entry: Sendable {
    /// The backend has it, as its answers so far tell.
    var isThere = false
    /// The backend has it once all that was sent has gone through.
    var willBeThere = false
    /// Parses and Closes neither answered nor skipped.
    var pending = 0
    /// The batch of the last Parse, and whether the client knows of that Parse.
    var batch: UInt32 = 0
    var isOwnParse = false
    /// What is on its way is undone by what was sent behind it.
    var isUndone = false
    var lastUse: UInt32 = 0
    /// What it returns, once the backend has told.
    var description: Description?
  }

  private var entries = NumberTable<Entry>()
  private var clock: UInt32 = 0
  /// Which batch is being sent, counted by Syncs.
  package private(set) var batch: UInt32 = 0
  /// Parses and Closes of all named statements neither answered nor skipped.
  private var allPending = 0
  /// Which client's unnamed statement the backend holds; `.none` when that is not known.
  package var unnamedOwner: ClientID = .none
  /// Parses and Closes of the unnamed statement neither answered nor skipped: those of the last batch that has any, and
  /// those of batches before it.
  private var unnamedOfLast = 0
  private var unnamedOfEarlier = 0
  private var unnamedBatch: UInt32 = 0
  /// What that statement is.
  package var unnamed: StatementID = .none

  package init() {}

  package var count: Int { entries.count }

  /// All that the server may have, in no order.
  var known: [StatementID] { entries.keys.map(Self.statement) }

  /// A Sync was sent: what failed before it skips nothing behind it.
  package mutating func batchEnded() { batch &+= 1 }

  /// True when a Bind may name the statement: it is there, or its Parse runs ahead in the same batch. A hidden
  /// Parse of an earlier batch that is not answered yet may still be skipped, which the client must not notice.
  package mutating func use(_ statement: StatementID) -> Bool {
    guard let place = place(of: statement) else { return false }
    clock &+= 1
    entries[place: place].lastUse = clock
    guard entries.values[place].willBeThere else { return false }
    return entries.values[place].pending == 0 || entries.values[place].batch == batch
      || entries.values[place].isOwnParse
  }

  /// Whether the table has an entry for it at all.
  package func isKnown(_ statement: StatementID) -> Bool { place(of: statement) != nil }

  /// True when the server may call a second Parse of its name an error.
  package func has(_ statement: StatementID) -> Bool {
    guard let place = place(of: statement) else { return false }
    return entries.values[place].isThere || entries.values[place].pending > 0
  }

  @inline(__always)
  private func place(of statement: StatementID) -> Int? { entries.place(of: UInt64(statement.index)) }

  /// DDL has made its plan one that cannot be used: whoever binds it next closes it and parses it anew.
  package mutating func outdated(_ statement: StatementID) {
    guard let place = place(of: statement), entries.values[place].pending == 0, entries.values[place].isThere
    else { return }
    entries[place: place].willBeThere = false
  }

  /// All will be gone, if what was sent now goes through.
  mutating func outdatedAll() {
    for place in 0..<entries.count {
      entries[place: place].willBeThere = false
      if entries.values[place].pending > 0 { entries[place: place].isUndone = true }
    }
  }

  /// A Parse or Close of the unnamed statement is on its way.
  package mutating func unnamedSent() {
    if unnamedBatch != batch {
      unnamedOfEarlier += unnamedOfLast
      unnamedOfLast = 0
      unnamedBatch = batch
    }
    unnamedOfLast += 1
  }

  /// The first of them was answered or skipped.
  package mutating func unnamedEnded() {
    if unnamedOfEarlier > 0 { unnamedOfEarlier -= 1 } else if unnamedOfLast > 0 { unnamedOfLast -= 1 }
  }

  var isUnnamedPending: Bool { unnamedOfEarlier + unnamedOfLast > 0 }

  /// What stands as the unnamed statement depends on an earlier batch that is not answered yet.
  package var isUnnamedUncertain: Bool {
    unnamedOfEarlier > 0 || (unnamedOfLast > 0 && unnamedBatch != batch)
  }

  /// The client's own Parse of it is in an earlier batch that is not answered yet, and so may be skipped.
  package func isUncertain(_ statement: StatementID) -> Bool {
    guard allPending > 0, let entry = entries[UInt64(statement.index)] else { return false }
    return entry.pending > 0 && entry.isOwnParse && entry.batch != batch
  }

  /// Parses or Closes of the statement are on their way.
  package func isPending(_ statement: StatementID) -> Bool {
    allPending > 0 && (entries[UInt64(statement.index)]?.pending ?? 0) > 0
  }

  package mutating func parseSent(_ statement: StatementID, isOwn: Bool = false) {
    clock &+= 1
    var entry = entries[UInt64(statement.index)] ?? Entry()
    entry.pending += 1
    allPending += 1
    entry.willBeThere = true
    entry.isUndone = false
    entry.batch = batch
    entry.isOwnParse = isOwn
    entry.lastUse = clock
    entry.description = nil
    entries.set(UInt64(statement.index), entry)
  }

  /// The backend has told what the statement returns; of a portal it does not say what it takes.
  mutating func described(_ statement: StatementID, as description: Description) {
    guard let place = place(of: statement) else { return }
    var description = description
    let known = entries.values[place].description
    if description.parameters == nil { description.parameters = known?.parameters }
    if known != description { entries[place: place].description = description }
  }

  func description(of statement: StatementID) -> Description? {
    guard let place = place(of: statement), entries.values[place].willBeThere else { return nil }
    return entries.values[place].description
  }

  package mutating func closeSent(_ statement: StatementID) {
    guard let place = place(of: statement) else { return }
    entries[place: place].pending += 1
    allPending += 1
    entries[place: place].willBeThere = false
  }

  /// The server has parsed it.
  package mutating func prepared(_ statement: StatementID) { ended(statement, isThere: true) }

  /// The server has closed it.
  package mutating func closed(_ statement: StatementID) { ended(statement, isThere: false) }

  /// The Parse or Close failed, or the server skipped it.
  package mutating func parseEnded(_ statement: StatementID) { ended(statement, isThere: nil) }

  private mutating func ended(_ statement: StatementID, isThere: Bool?) {
    guard let place = place(of: statement) else { return }
    var entry = entries.values[place]
    if entry.pending > 0 {
      entry.pending -= 1
      allPending -= 1
    }
    if let isThere { entry.isThere = isThere }
    if entry.pending == 0 {
      entry.willBeThere = entry.isThere && !entry.isUndone
      entry.isUndone = false
    }
    entries[place: place] = entry
  }

  /// Statements that the backend neither has nor will have; they leave the table.
  package mutating func takeGone(_ statement: StatementID) -> Bool {
    guard let place = place(of: statement), !entries.values[place].isThere, entries.values[place].pending == 0
    else { return false }
    entries.remove(UInt64(statement.index))
    return true
  }

  /// The statement that was not used for longest, when more than `limit` are kept.
  package func toEvict(limit: Int) -> StatementID? {
    guard entries.count > limit else { return nil }
    var kept = 0
    var oldest: StatementID?
    var age: UInt32 = 0
    for place in 0..<entries.count where entries.values[place].willBeThere {
      kept += 1
      guard entries.values[place].pending == 0 else { continue }
      let entryAge = clock &- entries.values[place].lastUse
      if oldest == nil || entryAge > age {
        oldest = Self.statement(entries.keys[place])
        age = entryAge
      }
    }
    return kept > limit ? oldest : nil
  }

  /// All named statements were dropped by the server. Answers those that leave the table; what is on its way stays.
  package mutating func dropAll() -> [StatementID] {
    var gone: [StatementID] = []
    for place in 0..<entries.count {
      if entries.values[place].pending == 0 {
        gone.append(Self.statement(entries.keys[place]))
      } else {
        entries[place: place].isThere = false
      }
    }
    for statement in gone { entries.remove(UInt64(statement.index)) }
    return gone
  }

  private static func statement(_ key: UInt64) -> StatementID { StatementID(UInt32(truncatingIfNeeded: key)) }

  /// Everything is forgotten: the connection ends. Answers what was known.
  package mutating func removeAll() -> [StatementID] {
    defer { self = BackendStatements() }
    return entries.keys.map(Self.statement)
  }
}
