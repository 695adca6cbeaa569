import PostgresWire

/// The sessions of all clients and backends of a loop: what each has set and prepared, and how a client's messages
/// must be changed so that it finds its own session on whichever backend it gets.
///
/// Pure: frames come in as views over bytes, answers are values. What must be sent instead of a frame is left in
/// ``rewritten``, whose memory is used again and again.
package struct Sessions: Sendable {
  package var clients: [ClientSession] = []
  package var backends: [BackendSession] = []
  package var statements: StatementTable
  package var names: ClientStatements
  package var images = ImageTable()
  /// Bytes for the backend, valid until the next call.
  package var rewritten: [UInt8] = []
  /// Statements kept prepared per backend (`max_prepared_statements`).
  let maxStatements: Int

  /// - Parameter seed: unguessable; keeps clients from choosing hash collisions.
  package init(seed: UInt64, maxStatements: Int) {
    statements = StatementTable(seed: seed)
    names = ClientStatements(seed: seed &+ 1)
    self.maxStatements = max(1, maxStatements)
    rewritten.reserveCapacity(16_384)
  }

  // MARK: Beginning and end

  /// A client has logged in with these settings.
  package mutating func clientArrived(_ client: ClientID, startup: ImageID) {
    while clients.count <= Int(client.index) { clients.append(ClientSession()) }
    clients[Int(client.index)] = ClientSession()
    images.retain(startup)
    images.retain(startup)
    clients[Int(client.index)].image = startup
    clients[Int(client.index)].startupImage = startup
  }

  /// A client has gone; nothing of it is kept.
  package mutating func clientGone(_ client: ClientID) {
    let index = Int(client.index)
    guard index < clients.count else { return }
    dropNames(of: client)
    images.release(clients[index].image)
    images.release(clients[index].startupImage)
    clients[index] = ClientSession()
    disown(client)
  }

  /// The number may be another client's from now on, so what this one left on backends is nobody's: not the
  /// next one's session, nor its unnamed statement, nor its Parses that an answer on its way may undo.
  private mutating func disown(_ client: ClientID) {
    for index in backends.indices {
      if backends[index].owner == client {
        backends[index].owner = .none
        setImage(nil, of: BackendID(index))
      }
      if backends[index].statements.unnamedOwner == client { backends[index].statements.unnamedOwner = .none }
    }
  }

  private mutating func dropNames(of client: ClientID) {
    for statement in names.closeAll(client) { statements.release(statement) }
    let unnamed = names.setUnnamed(client, .none)
    if unnamed != .none { statements.release(unnamed) }
  }

  /// A backend has logged in; its preparation has been sent.
  package mutating func backendArrived(_ backend: BackendID) {
    while backends.count <= Int(backend.index) { backends.append(BackendSession()) }
    backends[Int(backend.index)] = BackendSession()
    backends[Int(backend.index)].image = .empty
    backends[Int(backend.index)].ledger.sent(Expectation(.front, UInt32(Front.preparationCount)))
    backends[Int(backend.index)].ledger.sent(Expectation(.ownSync))
    images.retain(.empty)
  }

  package mutating func backendGone(_ backend: BackendID) {
    let index = Int(backend.index)
    guard index < backends.count else { return }
    setUnnamed(.none, of: .none, on: backend)
    for statement in backends[index].statements.removeAll() { statements.release(statement) }
    if let image = backends[index].image { images.release(image) }
    backends[index] = BackendSession()
  }

  // MARK: Attaching

  /// The backend is the client's from now on. When it holds another's state, ``rewritten`` is what goes in front of
  /// the client's bytes; empty when nothing must.
  package mutating func attach(_ client: ClientID, to backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    let image = clients[Int(client.index)].image
    let index = Int(backend.index)
    if backends[index].owner == client, backends[index].image == image { return }
    if backends[index].owner == .none, backends[index].image == image, image == .empty {
      // Fresh or just cleaned.
      backends[index].owner = client
      return
    }
    appendFront(image, on: backend)
    backends[index].owner = client
  }

  /// Cleaning, with a Sync of its own, for a backend that nobody holds.
  package mutating func clean(_ backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    appendFront(.empty, on: backend)
    appendOwnSync(on: backend)
    backends[Int(backend.index)].owner = .none
  }

  /// A client's settings, tried at its login: front, the values as the server writes them, Sync.
  package mutating func check(_ client: ClientID, on backend: BackendID) {
    attach(client, to: backend)
    backends[Int(backend.index)].looked = []
    let image = clients[Int(client.index)].image
    appendLooks(images[image].settings.map(\.name), on: backend)
    appendOwnSync(on: backend)
  }

  /// The client keeps its backend beyond its transactions.
  package func isPinned(_ client: ClientID) -> Bool {
    Int(client.index) < clients.count && clients[Int(client.index)].pin != nil
  }

  /// The client's statements have asked for notifications.
  package func isListening(_ client: ClientID) -> Bool {
    Int(client.index) < clients.count && clients[Int(client.index)].pin == .listen
  }

  private mutating func appendFront(_ image: ImageID, on backend: BackendID) {
    let index = Int(backend.index)
    var count = Front.count(settings: images.settingCount(image))
    count += appendPreparation(on: backend)
    rewritten.append(contentsOf: images.front(image))
    backends[index].ledger.sent(Expectation(.front, UInt32(count)))
    setImage(image, of: backend)
  }

  /// The pool's own statements, when they were dropped with all others. Answers how many replies that adds.
  private mutating func appendPreparation(on backend: BackendID) -> Int {
    guard backends[Int(backend.index)].needsPreparation else { return 0 }
    backends[Int(backend.index)].needsPreparation = false
    rewritten.append(contentsOf: Front.preparation())
    return Front.preparationCount
  }

  private mutating func appendOwnSync(on backend: BackendID) {
    rewritten.append(FrontendTag.sync)
    appendInt32(4, to: &rewritten)
    backends[Int(backend.index)].ledger.sent(Expectation(.ownSync))
    backends[Int(backend.index)].statements.batchEnded()
  }

  private mutating func setImage(_ image: ImageID?, of backend: BackendID) {
    let index = Int(backend.index)
    if backends[index].image == image { return }
    if let image { images.retain(image) }
    if let old = backends[index].image { images.release(old) }
    backends[index].image = image
  }

  /// Asks for settings of the server itself, with a Sync of its own; the answers come as ``BackendSession/looked``.
  package mutating func ask(_ settings: [String], on backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    backends[Int(backend.index)].looked = []
    appendLooks(settings, on: backend)
    appendOwnSync(on: backend)
  }

  /// The pool's own simple query, whose answer nobody sees.
  package mutating func runOwn(_ query: String, on backend: BackendID) {
    var writer = MessageWriter(reservingCapacity: query.utf8.count + 8)
    writer.query(query)
    rewritten = writer.bytes
    backends[Int(backend.index)].ledger.sent(Expectation(.ownQuery))
  }

  /// Ends a batch that its client left open, so that the server answers. The client has never said Sync, so nothing
  /// of it may be committed: a portal that does not exist makes the batch fail first.
  package mutating func failOpenBatch(on backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    if backends[Int(backend.index)].ledger.isCopyingIn {
      backends[Int(backend.index)].ledger.sent(Expectation(.copyEnd))
    }
    var writer = MessageWriter(reservingCapacity: 32)
    writer.execute(portal: "dbtool_none")
    rewritten.append(contentsOf: writer.bytes)
    backends[Int(backend.index)].ledger.sent(Expectation(.execute))
    appendOwnSync(on: backend)
  }

  // MARK: After a transaction

  /// Called when a ReadyForQuery has come: may the backend go back?
  package mutating func afterReady(_ client: ClientID, _ backend: BackendID) -> AfterReady {
    let index = Int(client.index)
    guard backends[Int(backend.index)].ledger.isSettled else { return .keep }
    if !clients[index].touched.isEmpty {
      rewritten.removeAll(keepingCapacity: true)
      backends[Int(backend.index)].looked = []
      clients[index].looking = clients[index].touched
      clients[index].touched = []
      appendLooks(clients[index].looking, on: backend, restoringFor: client)
      appendOwnSync(on: backend)
      return .look
    }
    return clients[index].pin == nil ? .release : .keep
  }

  /// A RESET went back to what the backend started with. In place of a look, what the client started with is put
  /// there, before anything that the client sends next.
  private mutating func appendLooks(
    _ settings: [String], on backend: BackendID, restoringFor client: ClientID = .none
  ) {
    let preparation = appendPreparation(on: backend)
    if preparation > 0 {
      backends[Int(backend.index)].ledger.sent(Expectation(.front, UInt32(preparation)))
    }
    var writer = MessageWriter(reservingCapacity: 64 * settings.count)
    for (number, name) in settings.enumerated() {
      if client != .none, clients[Int(client.index)].reset.contains(name),
        let started = images[clients[Int(client.index)].startupImage][name]
      {
        let unchanged = images[clients[Int(client.index)].image][name] ?? started
        Front.appendRestore(name, to: started, unless: unchanged, to: &writer)
      } else {
        Front.appendLook(name, to: &writer)
      }
      backends[Int(backend.index)].ledger.sent(Expectation(.look, UInt32(number)))
    }
    rewritten.append(contentsOf: writer.bytes)
  }

  /// Settings were asked for, and no answer to that is owed any more.
  package func isLookedUp(_ client: ClientID, _ backend: BackendID) -> Bool {
    !clients[Int(client.index)].looking.isEmpty && !backends[Int(backend.index)].ledger.owesLooks
  }

  /// The answers to ``AfterReady/look`` are in: the client's image follows what the server has now.
  package mutating func settingsLookedUp(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    let values = backends[Int(backend.index)].looked
    var image = images[clients[index].image]
    let startup = images[clients[index].startupImage]
    // A look that failed has told nothing of this setting nor of those behind it: only this backend has them.
    if values.count < clients[index].looking.count, clients[index].pin == nil {
      clients[index].pin = .settingByFunction
    }
    for (number, name) in clients[index].looking.enumerated() where number < values.count {
      guard let value = values[number] else {
        image.remove(name)
        continue
      }
      if clients[index].reset.contains(name), startup[name] == nil, image[name] != value {
        image.remove(name)
      } else if image[name] != value {
        image.set(name, value)
      }
    }
    let touchedAgain = clients[index].touched
    clients[index].reset.removeAll { !touchedAgain.contains($0) }
    clients[index].looking = []
    backends[Int(backend.index)].looked = []
    let id = images.retain(image)
    images.release(clients[index].image)
    clients[index].image = id
    setImage(id, of: backend)
  }

  mutating func touch(_ client: ClientID, _ effects: SessionEffects) {
    let index = Int(client.index)
    if let pin = effects.pin, clients[index].pin == nil { clients[index].pin = pin }
    var resets = effects.resets
    if effects.resetsAll {
      var known = images[clients[index].image].settings.map(\.name)
      known += images[clients[index].startupImage].settings.map(\.name)
      known += clients[index].touched
      for name in known where !effects.settings.contains(name) { resets.append(name) }
    }
    for name in resets + effects.settings where !clients[index].touched.contains(name) {
      clients[index].touched.append(name)
    }
    for name in resets where !clients[index].reset.contains(name) { clients[index].reset.append(name) }
    // A SET behind a RESET has the last word.
    clients[index].reset.removeAll { effects.settings.contains($0) }
  }
}
