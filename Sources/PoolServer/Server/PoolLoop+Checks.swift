import PoolCore
import PostgresWire

// `dbtool pool check`: the ways into the server are tried as clients would have them tried.

extension PoolLoop {
  mutating func tryEntry(
    _ user: String, _ database: String, _ answer: @escaping @Sendable (EntryOutcome) -> Void
  ) {
    guard let identity = identities.identity(user: user, database: database, in: &pool) else {
      return answer(.unknownUser)
    }
    ensurePlace()
    guard let backend = pool.openAhead(identity) else { return answer(.notYet) }
    entryChecks[Int(backend.index)] = answer
    connectBackend(Int(backend.index), identity)
  }

  mutating func tryLookup(
    _ user: String, _ database: String, _ answer: @escaping @Sendable (LookupAnswer) -> Void
  ) {
    let place = identities.lookupDatabase(database, common: settings.lookupDatabase)
    let subject = RoleLookups.Subject(user: Accounts.key(user), database: Array(place.utf8))
    if let known = lookups.table.ask(subject, .none, at: now) { return answer(known) }
    lookups.checks[subject] = answer
    runLookups()
  }

  /// Whether the login was one of these; then its outcome is told.
  mutating func answerEntry(_ index: Int, _ outcome: EntryOutcome) -> Bool {
    guard let answer = entryChecks.removeValue(forKey: index) else { return false }
    answer(outcome)
    return true
  }

  /// The backend is as good as any: that is all that was to be known.
  mutating func entryWorks(_ index: Int, _ reported: [ReportedParameter]) {
    let version = reported.first { $0.name == Array("server_version".utf8) }
    let outcome = EntryOutcome.entered(
      isEncrypted: backends[index].isEncrypted,
      version: String(decoding: version?.value ?? [], as: UTF8.self), ordinary: cap)
    if answerEntry(index, outcome) { closeBackend(index) }
  }
}
