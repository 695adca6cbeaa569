import PostgresWire

/// An idle client's session, as one process hands it to the next: bytes that any version of the same form can read.
package struct ClientPassage: Equatable, Sendable {
  package struct Statement: Equatable, Sendable {
    /// The client's name for it; empty: its unnamed one.
    package var name: [UInt8]
    /// What follows the name in its Parse message.
    package var tail: [UInt8]
  }

  package var user = ""
  /// Its name at the server.
  package var database = ""
  package var isUnix = false
  /// It keeps its backend until it leaves (`pool_mode = "session"`).
  package var keepsBackend = false
  /// What cancels its queries.
  package var number: UInt32 = 0
  package var secret: [UInt8] = []
  /// What its startup packet has set, and what is set now.
  package var startup: [SettingsImage.Setting] = []
  package var settings: [SettingsImage.Setting] = []
  /// What it was told of its settings, where that is not what others are told.
  package var told: [ReportedParameter] = []
  package var statements: [Statement] = []
  /// Bytes of it that nothing was done with.
  package var unread: [UInt8] = []

  package init() {}

  private static let version: UInt8 = 1

  // MARK: Bytes

  package var bytes: [UInt8] {
    var out = [Self.version]
    append(Array(user.utf8), to: &out)
    append(Array(database.utf8), to: &out)
    append([isUnix ? 1 : 0, keepsBackend ? 1 : 0], to: &out)
    appendInt32(Int(Int32(bitPattern: number)), to: &out)
    append(secret, to: &out)
    for list in [startup, settings] { append(list.map { (Array($0.name.utf8), $0.value) }, to: &out) }
    append(told.map { ($0.name, $0.value) }, to: &out)
    append(statements.map { ($0.name, $0.tail) }, to: &out)
    append(unread, to: &out)
    return out
  }

  private func append(_ text: [UInt8], to out: inout [UInt8]) {
    appendInt32(text.count, to: &out)
    out += text
  }

  private func append(_ pairs: [([UInt8], [UInt8])], to out: inout [UInt8]) {
    appendInt32(pairs.count, to: &out)
    for (one, other) in pairs {
      append(one, to: &out)
      append(other, to: &out)
    }
  }

  /// - Returns: `nil` for bytes of another form, or cut off.
  package init?(_ bytes: [UInt8]) {
    var reader = Reader(bytes: bytes)
    guard bytes.first == Self.version, let user = reader.text(), let database = reader.text(),
      let flags = reader.text(), flags.count == 2, let number = reader.word(), let secret = reader.text(),
      let startup = reader.pairs(), let settings = reader.pairs(), let told = reader.pairs(),
      let statements = reader.pairs(), let unread = reader.text(), reader.isAtEnd
    else { return nil }
    func setting(_ pair: ([UInt8], [UInt8])) -> SettingsImage.Setting {
      SettingsImage.Setting(name: String(decoding: pair.0, as: UTF8.self), value: pair.1)
    }
    self.user = String(decoding: user, as: UTF8.self)
    self.database = String(decoding: database, as: UTF8.self)
    isUnix = flags[0] == 1
    keepsBackend = flags[1] == 1
    self.number = number
    self.secret = secret
    self.startup = startup.map { setting($0) }
    self.settings = settings.map { setting($0) }
    self.told = told.map { ReportedParameter(name: $0.0, value: $0.1) }
    self.statements = statements.map { Statement(name: $0.0, tail: $0.1) }
    self.unread = unread
  }

  private struct Reader {
    let bytes: [UInt8]
    var offset = 1

    var isAtEnd: Bool { offset == bytes.count }

    mutating func word() -> UInt32? {
      guard let word = readUInt32(in: bytes.span, at: offset) else { return nil }
      offset += 4
      return word
    }

    mutating func text() -> [UInt8]? {
      guard let count = word(), Int(count) <= bytes.count - offset else { return nil }
      defer { offset += Int(count) }
      return Array(bytes[offset..<(offset + Int(count))])
    }

    mutating func pairs() -> [([UInt8], [UInt8])]? {
      guard let count = word(), Int(count) <= bytes.count else { return nil }
      var pairs: [([UInt8], [UInt8])] = []
      for _ in 0..<count {
        guard let one = text(), let other = text() else { return nil }
        pairs.append((one, other))
      }
      return pairs
    }
  }
}

extension Sessions {
  /// The session of a client that has nothing under way and holds no backend; `nil` when it has what cannot be handed on:
  /// pins, LISTENs, SQL-level prepared statements, a lost transaction.
  package func passage(of client: ClientID) -> ClientPassage? {
    let session = clients[Int(client.index)]
    var details = session.details.first ?? ClientDetails()
    details.told = []
    guard details.isEmpty, session.pins.isEmpty, session.marks.isEmpty, !session.isAsking, !session.isLeased,
      !session.isSkipping, !session.hasNewChannels, session.unnamedSent.isEmpty, session.toTell.isEmpty
    else { return nil }
    var passage = ClientPassage()
    passage.startup = images[session.startupImage].settings
    passage.settings = images[session.image].settings
    passage.told = session.told
    passage.keepsBackend = session.keepsBackend
    passage.statements = names.all(of: client).map {
      ClientPassage.Statement(name: $0.name, tail: statements.text(of: $0.statement))
    }
    if session.unnamedParsed != .none {
      passage.statements.append(
        ClientPassage.Statement(name: [], tail: statements.text(of: session.unnamedParsed)))
    }
    return passage
  }

  /// A client has come from another process, with what it had there.
  package mutating func clientInherited(_ client: ClientID, _ passage: ClientPassage) {
    let startup = retainImage(passage.startup)
    clientArrived(client, startup: startup)
    images.release(startup)
    let index = Int(client.index)
    images.release(clients[index].image)
    clients[index].image = retainImage(passage.settings)
    clients[index].reading = readings.number(of: images[clients[index].image])
    clients[index].told = passage.told
    clients[index].keepsBackend = passage.keepsBackend
    for statement in passage.statements { inherit(statement, of: client) }
  }

  private mutating func retainImage(_ settings: [SettingsImage.Setting]) -> ImageID {
    var image = SettingsImage()
    for setting in settings { image.set(setting.name, setting.value) }
    return images.retain(image)
  }

  private mutating func inherit(_ statement: ClientPassage.Statement, of client: ClientID) {
    var frame: [UInt8] = [FrontendTag.parse]
    appendInt32(4 + 1 + statement.tail.count, to: &frame)
    frame.append(0)
    frame += statement.tail
    let bytes = frame.span
    guard let view = ParseView.read(in: bytes, at: 0, length: bytes.count) else { return }
    let id = statements.retain(view, in: bytes, reading: clients[Int(client.index)].reading)
    if statement.name.isEmpty {
      statements.retain(id)
      setUnnamed(client, id)
      clients[Int(client.index)].unnamedParsed = id
    } else if let old = names.define(client, name: statement.name.span, id) {
      statements.release(old)
    }
  }
}
