import PostgresWire

/// The sessions of all clients and backends of a loop: what each has set and prepared, and how a client's messages
/// must be changed so that it finds its own session on whichever backend it gets.
///
/// Pure: frames come in as views over bytes, answers are values. What must be sent instead of a frame is left in
/// ``rewritten``, whose memory is used again and again.
@usableFromInline
package struct Sessions: Sendable {
  @usableFromInline package var clients: [ClientSession] = []
  @usableFromInline package var backends: [BackendSession] = []
  package var statements: StatementTable
  package var names: ClientStatements
  @usableFromInline package var images = ImageTable()
  var readings = ReadingTable()
  /// Bytes for the backend, valid until the next call.
  package var rewritten: [UInt8] = []
  /// Statements kept prepared per backend (`max_prepared_statements`).
  package var maxStatements: Int
  /// Custom settings (`app.tenant`) that clients have named: the server lists none of them.
  var customNames: Set<String> = []
  package var habits = SequenceHabits()
  /// What functions do, by whose database they are in.
  var books: [IdentityID: FunctionBook] = [:]
  /// How many clients are pinned.
  package internal(set) var pinnedCount = 0
  /// How many are in the sessions of other loops, which count for the same limit.
  package var pinnedElsewhere = 0
  /// How many may be.
  package var maxPinned = Int.max
  /// Bytes that the texts of prepared statements may take, over all clients; beyond it a Parse fails (53200).
  package var mostStatementBytes = 1 << 28
  /// Settings pin, rather than follow their client (`session_state = "pin"`).
  package var pinsSettings = false
  /// A backend is cleaned for another client only after statements whose texts do not prove that they leave nothing
  /// (`session_check = "tokens"`). What views, casts, defaults and functions do unseen is trusted.
  @usableFromInline package var trustsTokens = false

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
    clients[Int(client.index)].reading = readings.number(of: images[startup])
  }

  /// A client has gone; nothing of it is kept.
  package mutating func clientGone(_ client: ClientID) {
    let index = Int(client.index)
    guard index < clients.count else { return }
    dropNames(of: client)
    if !clients[index].pins.isEmpty, !clients[index].keepsBackend { pinnedCount -= 1 }
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
    for entry in clients[Int(client.index)].deallocated { statements.release(entry.statement) }
    dropUnnamedSent(of: client)
    forgetTaken(of: client)
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
    beginRewriting()
    let image = clients[Int(client.index)].image
    let index = Int(backend.index)
    if backends[index].owner == client, backends[index].image == image { return }
    if backends[index].owner == .none, backends[index].image == image, image == .empty {
      // Fresh or just cleaned.
      backends[index].owner = client
      return
    }
    if trustsTokens, !backends[index].isDirty, backends[index].image == image, !hasGuests(backend) {
      backends[index].owner = client
      return
    }
    let isOwn = backends[index].owner == client
    if !isOwn { backends[index].hadOthers = true }
    appendFront(image, on: backend, keepingGuests: isOwn)
    backends[index].owner = client
  }

  /// The settings that a backend should have for this client. Where each change of client cleans it, that saves
  /// nothing.
  @inlinable package func preferredImage(of client: ClientID) -> ImageID? {
    trustsTokens ? clients[Int(client.index)].image : nil
  }

  /// Cleaning, with a Sync of its own, for a backend that nobody holds.
  package mutating func clean(_ backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    appendFront(.empty, on: backend)
    appendOwnSync(on: backend)
    backends[Int(backend.index)].owner = .none
    backends[Int(backend.index)].hadOthers = true
  }

  /// A client's settings, tried at its login: front, the values as the server writes them, Sync.
  package mutating func check(_ client: ClientID, on backend: BackendID) {
    attach(client, to: backend)
    backends[Int(backend.index)].looked = []
    appendLooks(checkedSettings(clients[Int(client.index)].image), on: backend)
    appendOwnSync(on: backend)
  }

  /// Which values ``check(_:on:)`` asks for, in this order: the settings' own, and what a role decides.
  package func checkedSettings(_ image: ImageID) -> [String] {
    let names = images[image].settings.map(\.name)
    return names.contains(where: isRole) ? names + ["is_superuser"] : names
  }

  /// The client keeps its backend beyond its transactions, though its mode is to share it.
  package func isPinned(_ client: ClientID) -> Bool {
    Int(client.index) < clients.count && clients[Int(client.index)].pin != nil
  }

  /// The client leaves behind on its backend what no cleaning undoes, or what is not known yet.
  package func leavesMuch(_ client: ClientID) -> Bool {
    guard Int(client.index) < clients.count else { return false }
    return clients[Int(client.index)].pins.mustClose || clients[Int(client.index)].marks.contains(.names)
      || clients[Int(client.index)].isAsking
  }

  /// Nothing is in ``rewritten``. Mostly nothing was: emptying an array again costs more than to see that.
  @inline(__always)
  mutating func beginRewriting() {
    if !rewritten.isEmpty { rewritten.removeAll(keepingCapacity: true) }
  }

  /// Since it was cleaned last, more has run on the backend than what provably leaves nothing.
  package func mayHoldState(_ backend: BackendID) -> Bool {
    backends[Int(backend.index)].isDirty || hasGuests(backend)
  }

  private mutating func appendFront(
    _ image: ImageID, on backend: BackendID, keepingGuests: Bool = false
  ) {
    let index = Int(backend.index)
    let keepsSequences = backends[index].keepsSequences
    var count = Front.count(settings: images.settingCount(image), discardingSequences: !keepsSequences)
    let plainCount = count
    let isNext = backends[index].ledger.owesNothing
    count += appendPreparation(on: backend)
    if !keepingGuests, hasGuests(backend) { count += closeGuests(on: backend) }
    rewritten.append(
      contentsOf: keepsSequences ? images.frontKeepingSequences(image) : images.front(image))
    backends[index].ledger.sent(Expectation(.front, UInt32(count)))
    backends[index].awaitsFront = isNext && count == plainCount
    backends[index].isDirty = false
    setImage(image, of: backend)
  }

  /// What stands under the last client's own names goes. Answers how many replies that adds.
  private mutating func closeGuests(on backend: BackendID) -> Int {
    let guests = backends[Int(backend.index)].guests + backends[Int(backend.index)].doubtfulGuests
    backends[Int(backend.index)].guests = []
    backends[Int(backend.index)].doubtfulGuests = []
    var writer = MessageWriter(reservingCapacity: 32 * guests.count)
    for name in guests { Front.appendClose(name, to: &writer) }
    rewritten.append(contentsOf: writer.bytes)
    return guests.count
  }

  /// The pool's own statements, when they were dropped with all others. Answers how many replies that adds.
  mutating func appendPreparation(on backend: BackendID) -> Int {
    guard backends[Int(backend.index)].needsPreparation else { return 0 }
    backends[Int(backend.index)].needsPreparation = false
    rewritten.append(contentsOf: Front.preparation())
    return Front.preparationCount
  }

  mutating func appendOwnSync(on backend: BackendID) {
    rewritten.append(FrontendTag.sync)
    appendInt32(4, to: &rewritten)
    backends[Int(backend.index)].ledger.sent(Expectation(.ownSync))
    backends[Int(backend.index)].statements.batchEnded()
  }

  mutating func setImage(_ image: ImageID?, of backend: BackendID) {
    let index = Int(backend.index)
    if backends[index].image == image { return }
    if let image { images.retain(image) }
    if let old = backends[index].image { images.release(old) }
    backends[index].image = image
  }

  /// Asks for settings of the server itself and, last, whether the database has sequences that cache values; with
  /// a Sync of its own. The answers come as ``BackendSession/looked``.
  package mutating func askAtLogin(_ settings: [String], on backend: BackendID) {
    rewritten.removeAll(keepingCapacity: true)
    backends[Int(backend.index)].looked = []
    appendLooks(settings, on: backend)
    var writer = MessageWriter(reservingCapacity: 64)
    Front.appendLook(.lookAtSequences, to: &writer)
    rewritten.append(contentsOf: writer.bytes)
    backends[Int(backend.index)].ledger.sent(Expectation(.look, UInt32(settings.count)))
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
}
