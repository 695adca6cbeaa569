import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

/// A backend on its way in.
struct BackendLogin {
  let identity: IdentityID
  /// When the first try's connect began. Nanoseconds.
  var begunAt: UInt64 = 0
  /// Whether TLS is wanted on this try.
  var isEncrypted = false
  /// `prefer` or `allow` has failed one way, and this is the other.
  var isSecondTry = false
  /// The first way was refused by the server's rules, so the second is taken first from now on, if it works.
  var wasRefused = false
  /// Which of the account's passwords is shown: 0 is the one that is tried first.
  var choice = 0
  var scram: ScramClient?
  var reported: [ReportedParameter] = []
  var salt: [UInt8] = []
  /// Where it is tried once more, as a place in ``ServerState/known``.
  var place: Int?
  /// Settings of the server that it was asked for.
  var asked: [String] = []
}

// Connecting to the server and logging in, as the identity that waits.

extension PoolLoop {
  mutating func connectBackend(_ index: Int, _ identity: IdentityID, isReserved: Bool = false) {
    backends.grow(to: index + 1)
    if usesRing { backendLinks.grow(to: index + 1) }
    backends[index].generation &+= 1
    let generation = backends[index].generation
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backends[index].isReserved = isReserved
    backendLogins[index] = BackendLogin(
      identity: identity, begunAt: now.nanoseconds, isEncrypted: beginsEncrypted(identity))
    counters.backendConnects += 1
    dialBackend(index)
  }

  /// Connects for the login that is to be, on a slot that is fresh.
  mutating func dialBackend(_ index: Int) {
    backends[index].phase = .connecting
    if backendLogins[index]?.isEncrypted == true { counters.encryptedBackendConnects += 1 }
    guard let place = backendLogins[index]?.place ?? server.nextPlace, place <= Int(UInt16.max) else {
      return backendLoginFailed(index, nil, "the server's name \"\(settings.target.host)\" has no address")
    }
    let address = server.known[place].address
    backends[index].address = UInt16(place)
    do {
      let socket = try address.connect(
        userTimeoutMilliseconds: Int32(truncatingIfNeeded: settings.tcpUserTimeout))
      backends[index].fd = socket.fd
      backends[index].isUnix = address.isUnix
      backends[index].wantsOut = true
      let token = Token(.backend, index, generation: backends[index].generation)
      try poller.add(socket.fd, token: token.raw, writable: true)
    } catch {
      return backendLoginFailed(index, nil, error.reason)
    }
    if settings.connectTimeout > 0 {
      backendTimers.set(index, now.advanced(byMilliseconds: settings.connectTimeout))
    }
  }

  /// The connect is decided.
  mutating func backendConnected(_ index: Int) {
    let socket = Socket(fd: backends[index].fd)
    let error = socket.pendingError
    guard error == 0 else { return backendLoginFailed(index, nil, String(cString: strerror(error))) }
    guard let login = backendLogins[index] else { return closeBackend(index) }
    backends[index].phase = .login
    if backends[index].isUnix {
      backends[index].wantsOut = false
      poller.modify(
        socket.fd, token: Token(.backend, index, generation: backends[index].generation).raw, writable: false)
    }
    if login.isEncrypted { return askForEncryption(index) }
    sendStartup(index)
  }

  mutating func sendStartup(_ index: Int) {
    guard let login = backendLogins[index] else { return closeBackend(index) }
    let identity = identities.entries[Int(login.identity.index)]
    var writer = MessageWriter(reservingCapacity: 128)
    writer.startup(
      parameters: [
        StartupParameter("user", identity.serverUser), StartupParameter("database", identity.database),
      ] + (identity.ownParameters ?? []) + (lookups.backend == index ? Self.lookupParameters : []))
    sendToBackend(index, writer.bytes)
  }

  /// Messages up to the first ReadyForQuery. Returns how many bytes are dealt with.
  mutating func backendLoginBytes(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    var offset = 0
    while backends[index].phase == .login {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: offset) else {
        if case .malformed = FrameHeader.read(in: bytes, at: offset) {
          backendLoginFailed(index, nil, "the server does not speak PostgreSQL's protocol")
          return count
        }
        return offset
      }
      guard count - offset >= header.length else {
        if header.length > Self.longestLoginMessage {
          backendLoginFailed(index, nil, "the server sent a login message of \(header.length) bytes")
          return count
        }
        return offset
      }
      backendLoginMessage(index, header, bytes, offset)
      offset += header.length
    }
    switch backends[index].phase {
    case .preparing: return offset
    case .replicating: return offset + replicateToClient(index, base + offset, count - offset)
    case .absent, .connecting, .encrypting, .login, .serving, .recovering, .listening, .cleaning, .lookingUp,
      .closing:
      return count
    }
  }

  private static var longestLoginMessage: Int { 65_536 }

  private mutating func backendLoginMessage(
    _ index: Int, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) {
    switch header.tag {
    case BackendTag.authentication:
      guard let request = AuthenticationRequest.read(in: bytes, at: offset, length: header.length) else {
        return backendLoginFailed(index, nil, "the server sent a malformed authentication request")
      }
      authenticateToServer(index, request)
    case BackendTag.parameterStatus:
      guard let view = ParameterStatusView.read(in: bytes, at: offset, length: header.length) else { return }
      backendLogins[index]?.reported.append(
        ReportedParameter(
          name: copiedBytes(in: bytes, from: view.nameStart, to: view.nameEnd),
          value: copiedBytes(in: bytes, from: view.valueStart, to: view.valueEnd)))
    case BackendTag.backendKeyData:
      guard let key = BackendKeyData.read(in: bytes, at: offset, length: header.length) else { return }
      backends[index].processID = key.processID
      backendKeys[index] = key.key
    case BackendTag.readyForQuery: backendLoggedIn(index)
    case BackendTag.errorResponse:
      let error = ErrorFields.read(in: bytes, at: offset, length: header.length)
      backendLoginFailed(index, error, error?.message ?? "login refused")
    // Notices, and a NegotiateProtocolVersion that 3.0 never causes, change nothing here.
    case BackendTag.noticeResponse, BackendTag.negotiateProtocolVersion: break
    default: backendLoginFailed(index, nil, "the server sent a message that cannot be part of a login")
    }
  }

  private mutating func backendLoggedIn(_ index: Int) {
    guard let login = backendLogins[index] else { return closeBackend(index) }
    let identity = Int(login.identity.index)
    passwordTaken(login)
    if settings.needsWriter, login.isStandby { return meetsStandby(index) }
    if identities.entries[identity].ownParameters != nil { return replicationOpened(index, login) }
    adoptReports(login.identity)
    if identities.entries[identity].common == nil {
      identities.entries[identity].common = login.reported
      if isShared, let key = identities.entries[identity].key { team.reported(login.reported, to: key) }
    }
    backends[index].phase = .preparing
    sessions.backendArrived(BackendID(index))
    let common = identities.entries[identity].common ?? []
    sessions.backends[index].view = login.reported.filter { !common.contains($0) }
    var writer = MessageWriter(reservingCapacity: 2048)
    writer.raw(Front.preparation())
    writer.sync()
    sendToBackend(index, writer.bytes)
    var asked = limitIsFromServer || server.ordinaryPlaces == nil ? Self.limitSettings : []
    if settings.needsWriter, login.reportsStandby == nil { asked += BackendLogin.standbySettings }
    backendLogins[index]?.asked = asked
    sessions.askAtLogin(asked, on: BackendID(index))
    sendToBackend(index, sessions.rewritten)
    if !settings.initQuery.isEmpty {
      sessions.runOwn(settings.initQuery, on: BackendID(index))
      sendToBackend(index, sessions.rewritten)
    }
  }

  private static var limitSettings: [String] {
    ["max_connections", "superuser_reserved_connections", "reserved_connections"]
  }

  /// A ReadyForQuery while the front's statements are prepared.
  mutating func backendPrepared(_ index: Int) {
    guard sessions.isSettled(index) else { return }
    var answers = sessions.backends[index].looked
    sessions.backends[index].keepsSequences = answers.popLast() == [UInt8(ascii: "t")]
    let asked = backendLogins[index]?.asked ?? []
    let told = Dictionary(zip(asked, answers.map { $0 ?? [] })) { first, _ in first }
    if BackendLogin.isStandby(told) { return meetsStandby(index) }
    guard settings.targets.contains(target(of: index)) else {
      // It was on its way while the targets were changed.
      backendLogins[index] = nil
      return closeBackend(index)
    }
    adoptServerLimit(told)
    sessions.maxPinned = max(1, cap * settings.maxPinnedPercent / 100)
    sessions.backends[index].looked = []
    if entryChecks[index] != nil { return entryWorks(index, backendLogins[index]?.reported ?? []) }
    if let login = backendLogins[index], login.wasRefused {
      identities.entries[Int(login.identity.index)].takesSecondChoice =
        login.isEncrypted == (target(of: index).encryption == .allow)
    }
    if let login = backendLogins.removeValue(forKey: index) {
      counters.backendConnectTime.record(now.nanoseconds &- login.begunAt)
    }
    backendTimers.cancel(index)
    counters.backendConnectsSucceeded += 1
    serverAnswers(from: index)
    if lookups.backend == index { return lookupBackendReady(index) }
    backends[index].phase = .serving
    joinRing(backend: index)
    switch pool.connected(BackendID(index), at: now) {
    case .lend(let client): serveWaiter(client, index)
    case .keep: break
    case .close: closeBackend(index)
    }
    openForWaiters()
  }

  mutating func serverAnswers(from backend: Int) {
    writerIs(target(of: backend))
    server.answered()
    if server.downSince != nil || !server.wasReached && !team.isReached {
      logger.notice("the server answers", metadata: ["backends": "\(cap)"])
    }
    team.reached()
    server.downSince = nil
    server.wasReached = true
  }

  /// What the server leaves to ordinary roles is known: the cap follows it, or is measured by it.
  private mutating func adoptServerLimit(_ told: [String: [UInt8]]) {
    let numbers = Self.limitSettings.map { name in
      told[name].flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }
    guard numbers[0] > 0 else { return }
    let ordinary = max(1, numbers[0] - numbers[1] - numbers[2])
    if !limitIsFromServer, cap > ordinary, server.ordinaryPlaces != ordinary {
      logger.warning(
        "max_connections is \(cap), but the server leaves \(ordinary) connections to ordinary roles",
        metadata: ["hint": "lower max_connections, or raise the server's: beyond it, clients wait (53300)"])
    }
    server.ordinaryPlaces = ordinary
    if limitIsFromServer { adoptServerLimit() }
  }

  mutating func adoptServerLimit() {
    guard let ordinary = server.ordinaryPlaces else { return }
    let limit = max(1, ordinary * settings.maxConnectionsPercent / 100)
    guard limit != cap else { return }
    logger.notice(
      "the cap is \(limit) backends: \(settings.maxConnectionsPercent) % of the \(ordinary) that the server leaves to ordinary roles"
    )
    capBecame(limit)
  }

  // MARK: Failure

  /// The connect or login came to nothing. `error` is the server's own, where it gave one.
  mutating func backendLoginFailed(
    _ index: Int, _ error: ErrorFields?, _ reason: String, isFinal: Bool = false, hint: String? = nil
  ) {
    guard backends[index].phase != .absent, let login = backendLogins[index] else { return }
    if triesOtherwise(index, login, error) || triesOtherPassword(index, login, error) { return }
    counters.backendConnectsFailed += 1
    server.lastError = reason
    _ = answerEntry(index, .refused(sqlState: error?.sqlState, reason: reason, hint: hint ?? error?.hint))
    let identity = login.identity
    let isForLookups = lookups.backend == index
    let who = identities.entries[Int(identity.index)]
    // What the server says to one that replicates is for that client alone: out of walsenders, no such role.
    let isOwn = who.ownParameters != nil && error != nil
    let isTemporary =
      error.map { !isOwn && Self.isTemporary($0.sqlState) || mayBeChanging(identity, $0) } ?? !isFinal
    // Who names a database that is not there shall not slow down others.
    let hasOther = goesElsewhere(from: Int(backends[index].address), error)
    if isTemporary { pool.connectFailed(at: now, mayTryAtOnce: hasOther) }
    let name = target(of: index).name
    if let missed = server.complaints[name, default: RepeatedComplaint()].tell(
      "\(who.serverUser)/\(who.database): \(reason)", at: now)
    {
      var facts: Logger.Metadata = [
        "user": "\(who.serverUser)", "database": "\(who.database)",
        "target": "\(name)",
      ]
      if missed > 0 { facts["repeated"] = "\(missed)" }
      if let hint { facts["hint"] = "\(hint)" }
      logger.warning("cannot open a backend: \(reason)", metadata: facts)
    }
    // A server that is full serves those that it has; a password that is changing says nothing of it.
    if error.map({ $0.sqlState != "53300" && Self.isTemporary($0.sqlState) }) ?? !isFinal {
      if server.downSince == nil { server.downSince = now }
    }
    if error == nil, backends[index].phase == .connecting { lookUpTargets() }
    if backends[index].phase == .connecting {
      if backends[index].fd >= 0 { closeBackend(index) } else { slotNeverConnected(index) }
    } else {
      closeBackend(index)
    }
    if isTemporary {
      giveUpOnServer()
    } else {
      if error != nil {
        // It answers, though not to this identity; whether it serves any is for a login to show.
        server.downSince = nil
        server.probeDue = max(server.probeDue, now.advanced(byMilliseconds: 10_000))
      }
      if isForLookups { lookupsRefused(error, reason) }
      failWaiters(
        of: identity, error ?? ErrorFields(severity: .error, sqlState: "08006", message: reason, hint: hint))
    }
  }

  private mutating func slotNeverConnected(_ index: Int) {
    let generation = backends[index].generation
    let slot = backends[index]
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backendLogins[index] = nil
    backendTimers.cancel(index)
    slotFreed(index, slot)
    if lookups.backend == index { lookupBackendGone() }
  }

  /// Full, starting up, shutting down, or cut off: it may be different in a moment.
  private static func isTemporary(_ sqlState: String) -> Bool {
    sqlState == "53300" || sqlState.hasPrefix("57P") || sqlState.hasPrefix("08") || sqlState.isEmpty
  }

  /// The server refuses this identity: nobody need wait for it.
  private mutating func failWaiters(of identity: IdentityID, _ error: ErrorFields) {
    while true {
      let client = pool.longestWaiter(of: identity)
      guard client != .none else { return }
      failWaiting(Int(client.index), error)
    }
  }

  /// Clients that have waited `failover_hold` for a server that cannot be reached are told so.
  mutating func giveUpOnServer() {
    guard settings.failoverHold > 0, server.downSince != nil || !(server.wasReached || team.isReached)
    else { return }
    while true {
      let client = pool.longestWaiter
      guard client != .none, now.milliseconds(since: pool.waitingSince(client)) >= settings.failoverHold
      else {
        return
      }
      counters.unreachableRefusals += 1
      let error = ErrorFields(
        severity: .error, sqlState: "57P03", message: "no server can be reached: \(server.lastError)",
        detail: whereLooked,
        hint: "See whether the server runs and the address is right; the pool keeps trying.")
      failWaiting(Int(client.index), settings.errorWords.say(error, .noServer))
    }
  }
}
