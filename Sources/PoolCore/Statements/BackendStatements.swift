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

  private var entries: [StatementID: Entry] = [:]
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
  var known: [StatementID] { Array(entries.keys) }

  /// A Sync was sent: what failed before it skips nothing behind it.
  package mutating func batchEnded() { batch &+= 1 }

  /// True when a Bind may name the statement: it is there, or its Parse runs ahead in the same batch. A hidden
  /// Parse of an earlier batch that is not answered yet may still be skipped, which the client must not notice.
  package mutating func use(_ statement: StatementID) -> Bool {
    guard let index = entries.index(forKey: statement) else { return false }
    clock &+= 1
    entries.values[index].lastUse = clock
    let entry = entries.values[index]
    guard entry.willBeThere else { return false }
    return entry.pending == 0 || entry.batch == batch || entry.isOwnParse
  }

  /// Whether the table has an entry for it at all.
  package func isKnown(_ statement: StatementID) -> Bool { entries[statement] != nil }

  /// True when the server may call a second Parse of its name an error.
  package func has(_ statement: StatementID) -> Bool {
    guard let entry = entries[statement] else { return false }
    return entry.isThere || entry.pending > 0
  }

  /// DDL has made its plan one that cannot be used: whoever binds it next closes it and parses it anew.
  package mutating func outdated(_ statement: StatementID) {
    guard var entry = entries[statement], entry.pending == 0, entry.isThere else { return }
    entry.willBeThere = false
    entries[statement] = entry
  }

  /// All will be gone, if what was sent now goes through.
  mutating func outdatedAll() {
    for (statement, entry) in entries {
      entries[statement]?.willBeThere = false
      if entry.pending > 0 { entries[statement]?.isUndone = true }
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
    guard allPending > 0, let entry = entries[statement] else { return false }
    return entry.pending > 0 && entry.isOwnParse && entry.batch != batch
  }

  /// Parses or Closes of the statement are on their way.
  package func isPending(_ statement: StatementID) -> Bool {
    allPending > 0 && (entries[statement]?.pending ?? 0) > 0
  }

  package mutating func parseSent(_ statement: StatementID, isOwn: Bool = false) {
    clock &+= 1
    var entry = entries[statement] ?? Entry()
    entry.pending += 1
    allPending += 1
    entry.willBeThere = true
    entry.isUndone = false
    entry.batch = batch
    entry.isOwnParse = isOwn
    entry.lastUse = clock
    entry.description = nil
    entries[statement] = entry
  }

  /// The backend has told what the statement returns; of a portal it does not say what it takes.
  mutating func described(_ statement: StatementID, as description: Description) {
    guard var entry = entries[statement] else { return }
    var description = description
    if description.parameters == nil { description.parameters = entry.description?.parameters }
    if entry.description == description { return }
    entry.description = description
    entries[statement] = entry
  }

  func description(of statement: StatementID) -> Description? {
    guard let entry = entries[statement], entry.willBeThere else { return nil }
    return entry.description
  }

  package mutating func closeSent(_ statement: StatementID) {
    guard var entry = entries[statement] else { return }
    entry.pending += 1
    allPending += 1
    entry.willBeThere = false
    entries[statement] = entry
  }

  /// The server has parsed it.
  package mutating func prepared(_ statement: StatementID) { ended(statement, isThere: true) }

  /// The server has closed it.
  package mutating func closed(_ statement: StatementID) { ended(statement, isThere: false) }

  /// The Parse or Close failed, or the server skipped it.
  package mutating func parseEnded(_ statement: StatementID) { ended(statement, isThere: nil) }

  private mutating func ended(_ statement: StatementID, isThere: Bool?) {
    guard var entry = entries[statement] else { return }
    if entry.pending > 0 {
      entry.pending -= 1
      allPending -= 1
    }
    if let isThere { entry.isThere = isThere }
    if entry.pending == 0 {
      entry.willBeThere = entry.isThere && !entry.isUndone
      entry.isUndone = false
    }
    entries[statement] = entry
  }

  /// Statements that the backend neither has nor will have; they leave the table.
  package mutating func takeGone(_ statement: StatementID) -> Bool {
    guard let entry = entries[statement], !entry.isThere, entry.pending == 0 else { return false }
    entries.removeValue(forKey: statement)
    return true
  }

  /// The statement that was not used for longest, when more than `limit` are kept.
  package func toEvict(limit: Int) -> StatementID? {
    guard entries.count > limit else { return nil }
    var kept = 0
    var oldest: StatementID?
    var age: UInt32 = 0
    for (statement, entry) in entries where entry.willBeThere {
      kept += 1
      guard entry.pending == 0 else { continue }
      let entryAge = clock &- entry.lastUse
      if oldest == nil || entryAge > age {
        oldest = statement
        age = entryAge
      }
    }
    return kept > limit ? oldest : nil
  }

  /// All named statements were dropped by the server. Answers those that leave the table; what is on its way stays.
  package mutating func dropAll() -> [StatementID] {
    var gone: [StatementID] = []
    for (statement, entry) in entries {
      if entry.pending == 0 { gone.append(statement) } else { entries[statement]?.isThere = false }
    }
    for statement in gone { entries.removeValue(forKey: statement) }
    return gone
  }

  /// Everything is forgotten: the connection ends. Answers what was known.
  package mutating func removeAll() -> [StatementID] {
    defer { self = BackendStatements() }
    return Array(entries.keys)
  }
}
