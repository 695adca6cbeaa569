import PostgresWire

// What must be known once a transaction has ended: what a client's statements have made of its session.

extension Sessions {
  /// Called when a ReadyForQuery has come: may the backend go back?
  package mutating func afterReady(_ client: ClientID, _ backend: BackendID) -> AfterReady {
    let index = Int(client.index)
    guard backends[Int(backend.index)].ledger.isSettled else { return .keep }
    if clients[index].changesFunctions {
      clients[index].changesFunctions = false
      // Again: somebody may have called the old one before this was committed.
      forgetFunctions()
    }
    if clients[index].marks.rawValue != 0 || clients[index].hasDetails && !clients[index].touched.isEmpty,
      ask(client, backend)
    {
      return .look
    }
    clients[index].hasFailed = false
    guard clients[index].pins.isEmpty, !clients[index].keepsBackend else { return .keep }
    return clients[index].usesSequences || clients[index].isLeased ? afterSequence(client) : .release
  }

  /// The client's transaction may have taken from a sequence, and nothing else keeps it.
  private mutating func afterSequence(_ client: ClientID) -> AfterReady {
    let index = Int(client.index)
    let hasWritten = clients[index].usesSequences
    clients[index].usesSequences = false
    if hasWritten, habits.asks(clients[index].habit), pinnedCount + pinnedElsewhere < maxPinned {
      clients[index].isLeased = false
      pin(client, .sequenceMemory)
      return .keep
    }
    if hasWritten, !habits.asks(clients[index].habit), habits.tries(clients[index].habit) {
      clients[index].isLeased = true
    }
    return clients[index].isLeased ? .lease : .release
  }

  /// The client has asked for something else, or for nothing in time.
  @inlinable package mutating func leaseEnded(_ client: ClientID) {
    if clients[Int(client.index)].isLeased { clients[Int(client.index)].isLeased = false }
  }

  /// Puts all questions into ``rewritten``. False when there are none.
  private mutating func ask(_ client: ClientID, _ backend: BackendID) -> Bool {
    let index = Int(client.index)
    var marks = clients[index].marks
    if !clients[index].pins.canBeSeen, !marks.contains(.unseenPins) { marks.remove(.pins) }
    clients[index].marks = []
    marks.subtract([.notifies, .unseenPins])
    if marks.contains(.reading) {
      marks.remove(.reading)
      clients[index].reading = readings.number(of: images[clients[index].image])
    }
    if marks.contains(.settings) {
      for name in customNames.sorted() where !clients[index].touched.contains(name) {
        clients[index].touched.append(name)
      }
    }
    guard !marks.isEmpty || !clients[index].touched.isEmpty else { return false }
    rewritten.removeAll(keepingCapacity: true)
    forgetAnswers(on: backend)
    clients[index].askedFunctions = clients[index].unknownFunctions
    clients[index].unknownFunctions = []
    clients[index].looking = clients[index].touched
    clients[index].touched = []
    clients[index].asked = marks
    clients[index].isAsking = true
    appendLooks(clients[index].looking, on: backend, restoringFor: client)
    appendLooks(marks, for: client, on: backend)
    clients[index].hasFailed = false
    appendOwnSync(on: backend)
    return true
  }

  private mutating func forgetAnswers(on backend: BackendID) {
    let index = Int(backend.index)
    backends[index].looked = []
    backends[index].lookedRows = []
    backends[index].lookFailed = false
  }

  private mutating func appendLooks(_ marks: SessionMarks, for client: ClientID, on backend: BackendID) {
    if marks.isEmpty { return }
    var writer = MessageWriter(reservingCapacity: 128)
    for (mark, step, payload) in Self.questions where marks.contains(mark) {
      Front.appendLook(step, to: &writer)
      backends[Int(backend.index)].ledger.sent(Expectation(.look, payload))
    }
    if marks.contains(.functions) {
      Front.appendLookAtFunctions(clients[Int(client.index)].askedFunctions, to: &writer)
      backends[Int(backend.index)].ledger.sent(Expectation(.look, UInt32.max - 5))
    }
    rewritten.append(contentsOf: writer.bytes)
  }

  private static let questions: [(SessionMarks, Front.Step, UInt32)] = [
    (.settings, .lookAtSettings, UInt32.max), (.names, .lookAtNames, UInt32.max - 1),
    (.pins, .lookAtPins, UInt32.max - 2), (.channels, .lookAtChannels, UInt32.max - 3),
    // The database's listener has them from now on.
    (.channels, .unlisten, UInt32.max - 4),
  ]

  /// A RESET went back to what the backend started with. In place of a look, what the client started with is put
  /// there, before anything that the client sends next.
  mutating func appendLooks(
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
      } else if client != .none, clients[Int(client.index)].hasFailed {
        Front.appendLookIfSet(name, to: &writer)
      } else {
        Front.appendLook(name, to: &writer)
      }
      backends[Int(backend.index)].ledger.sent(Expectation(.look, UInt32(number)))
    }
    rewritten.append(contentsOf: writer.bytes)
  }

  // MARK: Answers

  /// A row has come that answers the question of this number.
  package mutating func looked(_ number: UInt32, _ columns: [[UInt8]?], on backend: BackendID) {
    let index = Int(backend.index)
    switch number {
    case UInt32.max: backends[index].lookedRows.append(LookedRow(kind: .settings, columns: columns))
    case UInt32.max - 1: backends[index].lookedRows.append(LookedRow(kind: .names, columns: columns))
    case UInt32.max - 2: backends[index].lookedRows.append(LookedRow(kind: .pins, columns: columns))
    case UInt32.max - 3: backends[index].lookedRows.append(LookedRow(kind: .channels, columns: columns))
    case UInt32.max - 5: backends[index].lookedRows.append(LookedRow(kind: .functions, columns: columns))
    default: backends[index].looked.append(columns.first ?? nil)  // a setting, by its place
    }
  }

  /// Something was asked for, and no answer to that is owed any more.
  @inlinable package func isLookedUp(_ client: ClientID, _ backend: BackendID) -> Bool {
    clients[Int(client.index)].isAsking && !owesLooks(backend)
  }

  @usableFromInline func owesLooks(_ backend: BackendID) -> Bool {
    backends[Int(backend.index)].ledger.owesLooks
  }

  /// The answers to ``AfterReady/look`` are in: the client's image follows what the server has now.
  package mutating func settingsLookedUp(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    clients[index].isAsking = false
    if backends[Int(backend.index)].lookFailed {
      // It has told nothing of what failed nor of what was behind it.
      clients[index].failedLooks += 1
      if clients[index].failedLooks < Self.mostLooks { return askAgain(client, backend) }
      // Only this backend has them.
      pin(client, .settingByFunction)
    }
    clients[index].failedLooks = 0
    var isAsAsked = true
    if !clients[index].looking.isEmpty || clients[index].asked.contains(.settings) {
      isAsAsked = adoptSettings(client, backend)
    }
    if !backends[Int(backend.index)].lookFailed {
      if clients[index].asked.contains(.names) { adoptNames(client, backend) }
      if clients[index].asked.contains(.pins) { adoptPins(client, backend) }
      if clients[index].asked.contains(.channels) { adoptChannels(client, backend) }
      if clients[index].asked.contains(.functions) { adoptFunctions(client, backend) }
    }
    clients[index].askedFunctions = []
    if pinsSettings { pinSettings(client) }
    let touchedAgain = clients[index].touched
    clients[index].reset.removeAll { !touchedAgain.contains($0) }
    clients[index].looking = []
    clients[index].asked = []
    forgetAnswers(on: backend)
    setImage(isAsAsked ? clients[index].image : nil, of: backend)
  }

  /// A client with a `statement_timeout` of a millisecond can make a question fail on a busy machine.
  private static var mostLooks: Int { 5 }

  /// What was asked for in vain is asked for anew, once nothing is owed.
  private mutating func askAgain(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    clients[index].marks.formUnion(clients[index].asked)
    if clients[index].asked.contains(.pins) { clients[index].marks.insert(.unseenPins) }
    for name in clients[index].looking where !clients[index].touched.contains(name) {
      clients[index].touched.append(name)
    }
    clients[index].unknownFunctions += clients[index].askedFunctions
    clients[index].askedFunctions = []
    clients[index].looking = []
    clients[index].asked = []
    forgetAnswers(on: backend)
    setImage(nil, of: backend)
  }

  /// False when the backend has another value than the client shall.
  private mutating func adoptSettings(_ client: ClientID, _ backend: BackendID) -> Bool {
    let index = Int(client.index)
    let values = backends[Int(backend.index)].looked
    var image = images[clients[index].image]
    let startup = images[clients[index].startupImage]
    var isAsAsked = true
    let looksAtAll = clients[index].asked.contains(.settings)
    if looksAtAll, !backends[Int(backend.index)].lookFailed {
      isAsAsked = adoptAll(in: &image, startup: startup, backend)
    }
    for (number, name) in clients[index].looking.enumerated() where number < values.count {
      guard let value = values[number] else {
        image.remove(name)
        continue
      }
      // A custom name stays behind as '' on a backend where any client ever set it.
      if looksAtAll, value.isEmpty, image[name] == nil { continue }
      if clients[index].reset.contains(name), startup[name] == nil, image[name] != value {
        image.remove(name)
      } else if image[name] != value {
        image.set(name, value)
      }
    }
    let id = images.retain(image)
    images.release(clients[index].image)
    clients[index].image = id
    // Unless more has been touched meanwhile.
    if clients[index].touched.isEmpty, clients[index].marks.isEmpty {
      readings.resolve(clients[index].reading, as: image)
      clients[index].reading = readings.number(of: image)
    }
    return isAsAsked
  }

  /// Takes over all that the server lists as set in its session.
  private func adoptAll(
    in image: inout SettingsImage, startup: SettingsImage, _ backend: BackendID
  ) -> Bool {
    var isAsAsked = true
    var listed: Set<String> = []
    for row in backends[Int(backend.index)].lookedRows where row.kind == .settings {
      guard row.columns.count == 2, let name = row.columns[0], let value = row.columns[1] else { continue }
      let setting = lowercasedASCII(String(decoding: name, as: UTF8.self))
      listed.insert(setting)
      if setting == "role", value == Array("none".utf8) {
        image.remove(setting)
      } else if image[setting] != value {
        image.set(setting, value)
      }
    }
    for setting in image.settings.map(\.name)
    where !listed.contains(setting) && !setting.contains(".") && !isRole(setting) {
      // A RESET goes back to what the client started with.
      if let started = startup[setting] {
        image.set(setting, started)
        isAsAsked = false
      } else {
        image.remove(setting)
      }
    }
    return isAsAsked
  }

  private mutating func adoptPins(_ client: ClientID, _ backend: BackendID) {
    // More has been sent meanwhile: the next answer knows of that, too.
    if clients[Int(client.index)].marks.contains(.pins) { return }
    var pins = clients[Int(client.index)].pins
    for row in backends[Int(backend.index)].lookedRows where row.kind == .pins {
      for (reason, isThere) in zip(PinReason.seen, row.columns) {
        if isThere == [UInt8(ascii: "t")] { pins.insert(reason) } else { pins.remove(reason) }
      }
    }
    setPins(client, pins)
  }

  /// Settings are not carried (`session_state = "pin"`): they pin as long as they are not as at the client's start.
  private mutating func pinSettings(_ client: ClientID) {
    let index = Int(client.index)
    var pins = clients[index].pins
    if clients[index].image == clients[index].startupImage {
      pins.remove(.setting)
    } else {
      pins.insert(.setting)
    }
    setPins(client, pins)
  }

  /// The backend is lost to its client, and with it what only that one had.
  package mutating func backendLost(_ client: ClientID) {
    setPins(client, PinSet())
    clients[Int(client.index)].marks = []
    clients[Int(client.index)].isAsking = false
    clients[Int(client.index)].hasFailed = false
    clients[Int(client.index)].unknownFunctions = []
    clients[Int(client.index)].askedFunctions = []
    clients[Int(client.index)].watch = nil
    dropUnnamedSent(of: client)
    forgetTaken(of: client)
    clients[Int(client.index)].naming = []
    clients[Int(client.index)].touched = []
    clients[Int(client.index)].looking = []
    clients[Int(client.index)].reading = readings.number(of: images[clients[Int(client.index)].image])
  }

  // MARK: Touched

  mutating func touch(_ client: ClientID, _ effects: SessionEffects) {
    let index = Int(client.index)
    if let reason = effects.pin {
      pin(client, reason)
      if reason == .sequenceMemory { habits.asked(clients[index].habit) }
    }
    clients[index].marks.formUnion(effects.marks)
    if effects.changesFunctions {
      clients[index].changesFunctions = true
      forgetFunctions()
    }
    if !effects.functions.isEmpty { callFunctions(client, effects.functions) }
    if effects.marks.contains(.channels) {
      if effects.unlistensAll { clients[index].unlistened.append([]) }
      if !effects.unlistened.isEmpty { clients[index].unlistened.append(effects.unlistened) }
    }
    var resets = effects.resets
    if effects.resetsAll {
      var known = images[clients[index].image].settings.map(\.name)
      known += images[clients[index].startupImage].settings.map(\.name)
      known += clients[index].touched
      // What a SET before it has done is being asked for still.
      if clients[index].isAsking {
        known += clients[index].looking
        if clients[index].asked.contains(.settings) { clients[index].marks.insert(.settings) }
      }
      for name in known where !effects.settings.contains(name) && (effects.resetsRole || !isRole(name)) {
        resets.append(name)
      }
    }
    let settings = effects.settings
    // SET SESSION AUTHORIZATION ends SET ROLE.
    if (settings + resets).contains("session_authorization"), images[clients[index].image]["role"] != nil,
      !settings.contains("role"), !resets.contains("role")
    {
      resets.append("role")
    }
    for name in settings { noteCustom(name) }
    if effects.resetsAll || !effects.marks.isDisjoint(with: [.settings, .reading])
      || (settings + resets).contains(where: ReadingTable.settings.contains)
    {
      clients[index].reading = readings.unshared()
    }
    for name in resets + settings where !clients[index].touched.contains(name) {
      clients[index].touched.append(name)
    }
    for name in resets where !clients[index].reset.contains(name) { clients[index].reset.append(name) }
    // A SET behind a RESET has the last word.
    clients[index].reset.removeAll { settings.contains($0) }
  }

  /// Bounded, since clients choose the names.
  private mutating func noteCustom(_ name: String) {
    if name.contains("."), customNames.count < 64 { customNames.insert(name) }
  }

  // MARK: Pins

  /// After what the client does next, the catalogues are asked whether it is pinned still.
  package mutating func lookAtPins(_ client: ClientID) {
    clients[Int(client.index)].marks.insert(.pins)
  }

  mutating func pin(_ client: ClientID, _ reason: PinReason) {
    var pins = clients[Int(client.index)].pins
    pins.insert(reason)
    setPins(client, pins)
  }

  mutating func setPins(_ client: ClientID, _ pins: PinSet) {
    let index = Int(client.index)
    if !clients[index].keepsBackend, clients[index].pins.isEmpty != pins.isEmpty {
      pinnedCount += pins.isEmpty ? -1 : 1
    }
    clients[index].pins = pins
    if pins.isEmpty { clients[index].pinnedBy = "" }
  }
}
