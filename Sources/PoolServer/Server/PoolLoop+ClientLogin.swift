import Glibc
import Logging
import PoolCore
import PostgresWire

/// A client on its way in.
final class ClientLogin {
  let startup: KnownStartup
  /// Under which the user's account is kept.
  let account: [UInt8]
  /// Whom the server was asked for; `nil` for a user of the configuration or `auth_file`.
  let subject: RoleLookups.Subject?
  var exchange: Exchange
  /// The server's side of those exchanges that are SCRAM's.
  var scram: ScramServer?

  enum Exchange {
    /// The server is being asked who that is. → `lookedUp`.
    case lookup(WayIn)
    /// It has answered. → the others, or none where no password is wanted.
    case lookedUp(WayIn)
    /// SASLInitialResponse is awaited. → `scramFinal`.
    case scramFirst
    /// A SASLResponse is awaited that holds what the initial one did not. → `scramFinal`.
    case scramFirstAgain(mechanism: String)
    /// The client's proof is awaited.
    case scramFinal
    /// The hash of one of these and the salt is awaited.
    case md5([String], salt: [UInt8])
  }

  init(
    _ startup: KnownStartup, account: [UInt8], subject: RoleLookups.Subject?, exchange: Exchange,
    scram: ScramServer? = nil
  ) {
    self.startup = startup
    self.account = account
    self.subject = subject
    self.exchange = exchange
    self.scram = scram
  }

  var isMD5: Bool {
    if case .md5 = exchange { true } else { false }
  }
}

// A client's startup packet, its SCRAM exchange, and its settings tried on a backend.

extension PoolLoop {
  /// Returns how many bytes are dealt with.
  mutating func loginBytes(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    if clients[index].awaitsProxyHeader, let taken = proxyBytes(index, bytes) { return taken }
    return clients[index].phase == .startup
      ? startupBytes(index, bytes, count) : passwordBytes(index, bytes, count)
  }

  private mutating func startupBytes(_ index: Int, _ bytes: Span<UInt8>, _ count: Int) -> Int {
    if let known = knownStartups.find(bytes) {
      startupArrived(index, known)
      return clients[index].phase == .absent ? count : known.request.packetLength
    }
    let packet = StartupPacket.read(in: bytes)
    switch packet {
    case .incomplete: return 0
    case .malformed(.unsupportedProtocol(let major, let minor)) where major < 3:
      refuseAncient(index, StartupFault.unsupportedProtocol(major: major, minor: minor))
      return count
    case .malformed(let fault):
      loginFailed(index, fault.sqlState, fault.message)
      return count
    case .directTLS:
      beginDirectTLS(index, bytes)
      return count
    case .sslRequest, .gssRequest:
      let isTLS = packet == .sslRequest
      // As PostgreSQL, which takes a second one, or one on an encrypted connection, for a protocol version.
      let isRepeated = isTLS ? clients[index].hasAskedForTLS : clients[index].hasAskedForGSS
      guard clients[index].tls == nil, !isRepeated else {
        loginFailed(
          index, "0A000",
          StartupFault.unsupportedProtocol(major: 1_234, minor: isTLS ? 5_679 : 5_680).message)
        return count
      }
      if isTLS { clients[index].hasAskedForTLS = true } else { clients[index].hasAskedForGSS = true }
      // Anything behind the request was sent before our answer: somebody in between put it there (CVE-2021-23214).
      guard count == packet.packetLength else {
        loginFailed(
          index, "08P01", "received unencrypted data after \(isTLS ? "SSL" : "GSSAPI encryption") request",
          hint: "A client waits for the answer to that request; somebody in between may have sent the rest.")
        return count
      }
      answerEncryptionRequest(index, isTLS: isTLS)
      return packet.packetLength
    case .cancel(let processID, let key):
      cancelRequested(processID: processID, key: key, by: index)
      return count
    case .startup(let request):
      let copy = copiedBytes(in: bytes, from: 0, to: packet.packetLength)
      startupArrived(index, KnownStartup(request, packet: copy))
      return clients[index].phase == .absent ? count : packet.packetLength
    }
  }

  /// In the form that clients of protocol 2 and before understand.
  private mutating func refuseAncient(_ index: Int, _ fault: StartupFault) {
    finish(index, Array("EFATAL:  \(fault.message)\n\u{0}".utf8))
  }

  private mutating func startupArrived(_ index: Int, _ startup: KnownStartup) {
    let request = startup.request
    if drain.hasStoppedListening, passesTo == nil {
      counters.shutdownRefusals += 1
      return loginFailed(
        index, "57P03", "the pool is shutting down", hint: "Connect to another pool, or again in a moment.")
    }
    let isForConsole = meansConsole(startup)
    let most = settings.maxClientConnections + (isForConsole ? Self.consolePlaces : 0)
    if (isShared ? team.clients : clients.count) > most {
      counters.clientsRefused += 1
      let error = ErrorFields(
        severity: .fatal, sqlState: "53300",
        message: "too many clients: the pool takes \(settings.maxClientConnections)",
        hint: "Close connections that are not used, or raise max_client_connections.")
      return refuse(
        index, settings.errorWords.say(error, .tooManyClients(limit: settings.maxClientConnections)))
    }
    if let refusal = encryptionRefusal(index, request) {
      counters.encryptionRefusals += 1
      return refuse(index, refusal)
    }
    guard request.replication != nil else {
      let value = String(decoding: request.value(of: "replication") ?? [], as: UTF8.self)
      return loginFailed(
        index, "22023", "invalid value for parameter \"replication\": \"\(value)\"",
        hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\".")
    }
    guard !startup.user.isEmpty else {
      return loginFailed(index, "28000", "no PostgreSQL user name specified in startup packet")
    }
    var writer = MessageWriter(reservingCapacity: 64)
    negotiate(index, request, &writer)
    if isForConsole, isOwner(index) {
      return ask(index, startup, startup.account, nil, WayIn(), &writer)
    }
    let way: WayIn
    switch wayIn(index, request) {
    case .success(let found): way = found
    case .failure(let refusal):
      counters.ruleRefusals += 1
      return refuse(index, refusal.fields)
    }
    refreshUser(startup)
    guard let subject = lookupSubject(startup) else {
      return ask(index, startup, startup.account, nil, way, &writer)
    }
    let account = Accounts.key(of: subject)
    guard lookups.table.ask(subject, ClientID(index), at: now) == nil else {
      return ask(index, startup, account, subject, way, &writer)
    }
    logins[index] = ClientLogin(startup, account: account, subject: subject, exchange: .lookup(way))
    if !writer.bytes.isEmpty { sendToClient(index, writer.bytes) }
    runLookups()
  }

  /// Tells which protocol is spoken from here on.
  private mutating func negotiate(_ index: Int, _ request: StartupRequest, _ writer: inout MessageWriter) {
    let minor = min(request.protocolMinor, StartupRequest.newestMinor)
    if minor < request.protocolMinor || !request.unknownProtocolOptions.isEmpty {
      writer.negotiateProtocolVersion(newestMinor: minor, unrecognized: request.unknownProtocolOptions)
    }
    // As long as PostgreSQL 18's (MAX_CANCEL_KEY_LENGTH is what a client may have to take).
    if minor >= 2 { longSecrets[index] = random.take(32) }
    clients[index].phase = .authenticating
  }

  /// It is known by now who the user is, or that nobody is. Asks for the password.
  mutating func ask(
    _ index: Int, _ startup: KnownStartup, _ account: [UInt8], _ subject: RoleLookups.Subject?,
    _ way: WayIn, _ writer: inout MessageWriter
  ) {
    guard let manner = way.password else {
      logins[index] = nil
      writer.authenticationOk()
      return authenticated(index, startup, account, answering: &writer)
    }
    let (exchange, scram) = challenge(index, startup, account, manner, &writer)
    logins[index] = ClientLogin(
      startup, account: account, subject: subject, exchange: exchange, scram: scram)
    sendToClient(index, writer.bytes)
  }

  // MARK: Authentication

  private mutating func passwordBytes(_ index: Int, _ bytes: Span<UInt8>, _ count: Int) -> Int {
    guard case .frame(let header) = FrameHeader.read(in: bytes, at: 0) else {
      if case .malformed = FrameHeader.read(in: bytes, at: 0) { protocolViolation(index) }
      return 0
    }
    if header.tag != FrontendTag.password, let login = logins[index] {
      let wanted = login.isMD5 ? "password" : "SASL"
      loginFailed(index, "08P01", "expected \(wanted) response, got message type \(header.tag)")
      return count
    }
    // A password message that announces much more is not waited for.
    guard header.tag == FrontendTag.password, header.length <= Self.longestPasswordMessage else {
      protocolViolation(index)
      return count
    }
    guard count >= header.length else { return 0 }
    // Whoever answers before it is asked waits until it is.
    switch logins[index]?.exchange {
    case .lookup, .lookedUp:
      if count > 2 * Self.longestPasswordMessage { protocolViolation(index) }
      return 0
    case .scramFirst, .scramFirstAgain, .scramFinal, .md5, nil: break
    }
    authenticate(index, header, bytes)
    return clients[index].phase == .absent ? count : header.length
  }

  private static var longestPasswordMessage: Int { 8_192 }

  private mutating func authenticate(_ index: Int, _ header: FrameHeader, _ bytes: Span<UInt8>) {
    guard let login = logins[index] else { return closeClient(index) }
    var writer = MessageWriter(reservingCapacity: 640)
    do throws(ScramError) {
      switch login.exchange {
      case .lookup, .lookedUp: throw .outOfTurn
      case .scramFirst:
        guard let first = PasswordResponse.saslInitialResponse(in: bytes, at: 0, length: header.length) else {
          throw .malformedFrame(
            PasswordResponse.fault(ofInitialResponse: bytes, at: 0, length: header.length))
        }
        try login.scram?.check(mechanism: first.mechanism)
        guard let message = first.response else {
          login.exchange = .scramFirstAgain(mechanism: first.mechanism)
          writer.authenticationSASLContinue([])
          return sendToClient(index, writer.bytes)
        }
        return sendToClient(index, try scramContinues(login, first.mechanism, message, &writer))
      case .scramFirstAgain(let mechanism):
        guard let message = PasswordResponse.saslResponse(in: bytes, at: 0, length: header.length) else {
          throw .outOfTurn
        }
        return sendToClient(index, try scramContinues(login, mechanism, message, &writer))
      case .scramFinal:
        guard let message = PasswordResponse.saslResponse(in: bytes, at: 0, length: header.length),
          let final = try login.scram?.receivedFinal(message)
        else { throw .outOfTurn }
        try passwordProved(login)
        writer.authenticationSASLFinal(final)
      case .md5(let hashes, let salt):
        guard let answer = PasswordResponse.password(in: bytes, at: 0, length: header.length) else {
          throw .outOfTurn
        }
        guard isMD5Answer(answer, to: salt, hashes),
          identities.accounts[login.account] != nil
        else { throw .wrongPassword }
      }
      writer.authenticationOk()
      logins[index] = nil
      authenticated(index, login.startup, login.account, answering: &writer)
    } catch {
      authenticationFailed(index, login, error)
    }
  }

  /// The client's first message has come; returns what it is told in answer.
  private func scramContinues(
    _ login: ClientLogin, _ mechanism: String, _ message: [UInt8], _ writer: inout MessageWriter
  ) throws(ScramError) -> [UInt8] {
    guard let answer = try login.scram?.receivedFirst(mechanism: mechanism, message: message) else {
      throw .outOfTurn
    }
    writer.authenticationSASLContinue(answer)
    login.exchange = .scramFinal
    return writer.bytes
  }

  /// The client is who it says. Its settings come next.
  /// - Parameter answer: what it is still to be told of that. It goes along with the welcome, where that comes at once:
  ///   two writes would be two packets, which wake it twice.
  private mutating func authenticated(
    _ index: Int, _ startup: KnownStartup, _ account: [UInt8], answering answer: inout MessageWriter
  ) {
    let request = startup.request
    if meansConsole(startup) { return openConsole(index, startup, answering: &answer) }
    if let mode = request.replication, mode != .off {
      sendToClient(index, answer.bytes)
      guard clients[index].phase == .authenticating else { return }
      return replicate(index, request, account, mode)
    }
    guard !console.disabled.contains(startup.database) else {
      counters.databaseRefusals += 1
      return loginFailed(
        index, "55000", "database \"\(startup.database)\" is not currently accepting connections",
        hint: "DISABLE at the pool's console has turned it off.", behind: answer.bytes)
    }
    guard let database = identities.targetDatabase(startup.database) else {
      counters.databaseRefusals += 1
      return loginFailed(
        index, "3D000", "database \"\(startup.database)\" does not exist", behind: answer.bytes)
    }
    guard let identity = identities.identity(of: startup, database: database, account: account, in: &pool)
    else {
      return loginFailed(
        index, "28P01", "password authentication failed for user \"\(startup.user)\"", behind: answer.bytes)
    }
    let id: ImageID
    switch startupImage(startup) {
    case .success(let found): id = found
    case .failure(let fault):
      return loginFailed(index, fault.sqlState, fault.message, hint: fault.hint, behind: answer.bytes)
    }
    clients[index].identity = identity.index
    if console.isPausing { applyPauses() }
    sessions.clientArrived(ClientID(index), startup: id)
    if pool.hasLanes {
      pool.enter(
        ClientID(index),
        lane: pool.lane(
          user: startup.account, database: Array(startup.database.utf8),
          applicationName: sessions.images[id]["application_name"] ?? []))
    }
    if !startup.isKept { sessions.images.release(id) }
    sessions.clients[index].identity = identity
    let habit = startup.habit ?? sessions.habits.number(of: startup.application)
    startup.habit = habit
    sessions.clients[index].habit = habit
    sessions.clients[index].keepsBackend =
      identities.mode(account: startup.account, database: startup.database, else: settings.poolMode)
      == .session
    adoptReports(identity, id)
    let number = Int(identity.index)
    if identities.entries[number].common != nil,
      id == .empty || identities.entries[number].accepted[id] != nil
    {
      if let told = identities.entries[number].accepted[id], !told.isEmpty {
        sessions.clients[index].told = told
      }
      return welcome(index, answering: &answer)
    }
    sendToClient(index, answer.bytes)
    guard clients[index].phase == .authenticating else { return }
    clients[index].phase = .checking
    clients[index].since = now.nanoseconds
    borrowToCheck(index, identity)
  }

  /// The client's settings are tried as soon as there is a backend for that.
  mutating func borrowToCheck(_ index: Int, _ identity: IdentityID) {
    clientTimers.cancel(index)
    switch pool.borrow(ClientID(index), identity, at: now) {
    case .lend(let backend): checkSettings(index, on: Int(backend.index))
    case .wait:
      limitWait(index, since: now)
      openForWaiters()
    case .refuse:
      counters.queueRefusals += 1
      loginFailed(index, "53300", "too many clients wait for a database connection already")
    }
  }

  /// The number of what the startup packet sets, with one use of it: the packet's own, where that is kept.
  private mutating func startupImage(_ startup: KnownStartup) -> Result<ImageID, StartupOptionsFault> {
    if let known = startup.imageID { return .success(known) }
    switch startup.image {
    case .failure(let fault): return .failure(fault)
    case .success(let image):
      let id = sessions.images.retain(image)
      if let old = knownStartups.keep(startup), let oldID = old.imageID {
        old.imageID = nil
        sessions.images.release(oldID)
      }
      if startup.isKept { startup.imageID = id }
      return .success(id)
    }
  }

  // MARK: Settings

  /// The server decides whether a client's startup settings are right, and how it reports them.
  mutating func checkSettings(_ index: Int, on backend: Int) {
    clientTimers.cancel(index)
    clients[index].backend = UInt32(backend)
    backends[backend].client = UInt32(index)
    backends[backend].readPaused = false
    sessions.check(ClientID(index), on: BackendID(backend))
    sendToBackend(backend, sessions.rewritten)
  }

  /// They are right.
  mutating func settingsChecked(_ index: Int, _ backend: Int) {
    let image = sessions.clients[index].image
    let identity = Int(clients[index].identity)
    let common = identities.entries[identity].common ?? []
    var told: [ReportedParameter] = []
    let values = sessions.backends[backend].looked
    for (number, name) in sessions.checkedSettings(image).enumerated() where number < values.count {
      guard let value = values[number] else { continue }
      let known = common.first { lowercasedASCII(String(decoding: $0.name, as: UTF8.self)) == name }
      if let known, known.value != value { told.append(ReportedParameter(name: known.name, value: value)) }
    }
    sessions.backends[backend].looked = []
    sessions.clients[index].told = told
    if identities.entries[identity].accepted[image] == nil,
      identities.entries[identity].accepted.count < Self.rememberedImages
    {
      sessions.images.retain(image)
      identities.entries[identity].accepted[image] = told
      if isShared, let key = identities.entries[identity].key {
        team.accepts(sessions.images[image], of: key, reporting: told)
      }
    }
    clients[index].hasRepeated = false
    // Parted before the client may ask for more: its next query borrows anew.
    let generation = clients[index].generation
    release(index, backend)
    guard clients[index].phase == .idle, clients[index].generation == generation else { return }
    var writer = MessageWriter(reservingCapacity: 640)
    welcome(index, answering: &writer)
    // It was not read meanwhile.
    processIncoming(index)
    if clients[index].phase != .absent { readLater(client: index) }
  }

  /// Startup settings that are not tried again, per user and database.
  private static var rememberedImages: Int { 1_000 }

  private mutating func welcome(_ index: Int, answering answer: inout MessageWriter) {
    answer.raw(greeting(of: index))
    answer.backendKeyData(processID: clients[index].number, key: cancelSecret(of: index))
    answer.readyForQuery(.idle)
    counters.clientSetupsSucceeded += 1
    counters.loginTime.record(now.nanoseconds &- clients[index].acceptedAt)
    clients[index].tls?.offerSession()
    sendToClient(index, answer.bytes)
    becomeIdle(index)
    joinRing(client: index)
  }

  /// What the server reports at login, for this client's settings.
  private mutating func greeting(of index: Int) -> [UInt8] {
    let identity = Int(clients[index].identity)
    let image = sessions.clients[index].image
    if let known = identities.entries[identity].greetings[image] { return known }
    let told = sessions.clients[index].told
    var writer = MessageWriter(reservingCapacity: 512)
    for parameter in identities.entries[identity].common ?? [] {
      let own = told.first { $0.name == parameter.name }
      writer.parameterStatus(
        name: String(decoding: parameter.name, as: UTF8.self), value: own?.value ?? parameter.value)
    }
    // An image's number may be another's later, unless it is kept as accepted.
    if image == .empty || identities.entries[identity].accepted[image] != nil {
      identities.entries[identity].greetings[image] = writer.bytes
    }
    return writer.bytes
  }

  /// - Parameter head: bytes that go in front, in the same write.
  mutating func loginFailed(
    _ index: Int, _ sqlState: String, _ message: String, hint: String? = nil, behind head: [UInt8] = []
  ) {
    refuse(
      index, ErrorFields(severity: .fatal, sqlState: sqlState, message: message, hint: hint), behind: head)
  }
}
