/// What is known of a backend's session when it goes to another loop.
package struct SessionPassage: Sendable {
  /// All prepared statements on it, by their names there: the other loop has its own, under the same names.
  let names: [[UInt8]]
  let keepsSequences: Bool
  let needsPreparation: Bool
}

extension Sessions {
  /// The backend goes to another loop; nothing of it is kept here. Nobody may have it.
  package mutating func backendPassedOn(_ backend: BackendID) -> SessionPassage {
    let index = Int(backend.index)
    let passage = SessionPassage(
      names: backends[index].guests + backends[index].doubtfulGuests
        + backends[index].statements.known.map(Self.nameOnBackend),
      keepsSequences: backends[index].keepsSequences, needsPreparation: backends[index].needsPreparation)
    backendGone(backend)
    return passage
  }

  private static func nameOnBackend(of statement: StatementID) -> [UInt8] {
    var name: [UInt8] = []
    appendBackendName(of: statement, to: &name)
    return name
  }

  /// A backend has come from another loop. Whoever has it next finds it cleaned of all that it was used for there.
  package mutating func backendAdopted(
    _ backend: BackendID, _ passage: SessionPassage, reporting view: [ReportedParameter]
  ) {
    while backends.count <= Int(backend.index) { backends.append(BackendSession()) }
    let index = Int(backend.index)
    backends[index] = BackendSession()
    backends[index].guests = passage.names
    backends[index].keepsSequences = passage.keepsSequences
    backends[index].needsPreparation = passage.needsPreparation
    backends[index].view = view
    backends[index].hadOthers = true
    backends[index].isDirty = true
  }
}
