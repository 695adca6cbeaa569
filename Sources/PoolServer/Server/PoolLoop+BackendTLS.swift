import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

// Encryption towards the server: the target's `sslmode`. A slot without `tls` is plain and takes none of these ways.

extension PoolLoop {
  // MARK: Traffic

  /// What the server has sent, in plain. Invariant: `buffer` has room for `scratchSize` bytes.
  /// What was received is in it, or, where that `lends`, elsewhere: at `received`.
  @inline(__always)
  mutating func receive(
    backend index: Int, into buffer: UnsafeMutableRawPointer, lends: Bool = true
  ) -> ReadResult {
    received = UnsafeRawPointer(buffer)
    guard let tls = backends[index].tls else {
      if usesRing, backendLinks.isPlain(index) {
        return backendLinks.take(
          index, into: buffer, Self.scratchSize, lends: lends, at: &received, ring, poller)
      }
      return Socket(fd: backends[index].fd).read(into: buffer, count: Self.scratchSize)
    }
    let result = tls.read(into: buffer, count: Self.scratchSize)
    sendEncrypted(backend: index)
    if tls.hasEnded { backends[index].hungUp = true }
    return result
  }

  /// Sends what TLS has put into the loop's buffer for this backend.
  mutating func sendEncrypted(backend index: Int) {
    let buffer = encrypted.buffer
    guard !buffer.pointee.isEmpty else { return }
    sendAsIs(backend: index, UnsafeRawPointer(buffer.pointee.base), buffer.pointee.count)
    buffer.pointee.removeAll()
  }

  /// Sends last words and the goodbye, unless they would land within a message, and frees what the encryption holds.
  /// What still comes is dropped as it is.
  mutating func endEncryption(backend index: Int, _ lastWords: [UInt8], isInsideMessage: Bool) {
    guard let tls = backends[index].tls else { return }
    if !isInsideMessage {
      lastWords.withUnsafeBytes { raw in
        if let base = raw.baseAddress { tls.write(base, count: raw.count) }
      }
      tls.sayGoodbye()
      let buffer = encrypted.buffer
      if !buffer.pointee.isEmpty {
        _ = Socket(fd: backends[index].fd).write(buffer.pointee.base, count: buffer.pointee.count)
        buffer.pointee.removeAll()
      }
    }
    backends[index].tls = nil
    tls.free()
  }

  // MARK: Login

  /// Where the backend was connected to; `nil` when that never began.
  func serverAddress(of index: Int) -> ServerAddress? {
    let place = Int(backends[index].address)
    return place < server.known.count ? server.known[place] : nil
  }

  func target(of index: Int) -> PoolSettings.Target { serverAddress(of: index)?.target ?? settings.target }

  /// Which way the `sslmode` of the target begins that the next connect goes to.
  func beginsEncrypted(_ identity: IdentityID) -> Bool {
    guard let place = server.nextPlace, server.known[place].tls != nil else { return false }
    let isSecond = identities.entries[Int(identity.index)].takesSecondChoice
    switch server.known[place].target.encryption {
    case .disable: return false
    case .allow: return isSecond
    case .prefer: return !isSecond
    case .require, .verifyCA, .verifyFull: return true
    }
  }

  /// Connected; the server is asked for TLS, or the handshake begins at once.
  mutating func askForEncryption(_ index: Int) {
    backends[index].phase = .encrypting
    if target(of: index).isDirect { return beginHandshake(index) }
    var writer = MessageWriter(reservingCapacity: 8)
    writer.sslRequest()
    // Invariant: the array lives for the call.
    writer.bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { sendAsIs(backend: index, base, raw.count) }
    }
  }

  /// Bytes of the server before the login: its answer, then the handshake.
  mutating func encryptBackend(_ index: Int) {
    if let tls = backends[index].tls { return goOn(index, tls) }
    switch Socket(fd: backends[index].fd).read(into: scratch, count: 2) {
    case .wouldBlock: return
    case .closed: return backendEnded(index)
    case .bytes(let count):
      let answer = scratch.load(as: UInt8.self)
      // What came behind the answer was not protected: somebody in between put it there (CVE-2021-23222).
      guard count == 1 else {
        return backendLoginFailed(
          index, nil, "the server sent data behind its answer to the request for TLS", isFinal: true)
      }
      switch answer {
      case UInt8(ascii: "S"): beginHandshake(index)
      case UInt8(ascii: "N"): encryptionDeclined(index)
      default: backendLoginFailed(index, nil, "the server does not understand the request for TLS")
      }
    }
  }

  private mutating func encryptionDeclined(_ index: Int) {
    let mode = target(of: index).encryption
    guard !mode.isRequired else {
      return backendLoginFailed(
        index, nil, "the server does not support TLS, but sslmode=\(mode.rawValue) asks for it",
        isFinal: true,
        hint: "Turn on ssl at the server, or say sslmode=prefer.")
    }
    backendLogins[index]?.isEncrypted = false
    backends[index].phase = .login
    sendStartup(index)
  }

  private mutating func beginHandshake(_ index: Int) {
    guard let context = serverAddress(of: index)?.tls,
      let tls = TLSChannel(context, fd: backends[index].fd, output: encrypted)
    else { return backendLoginFailed(index, nil, "TLS cannot be set up") }
    backends[index].tls = tls
    goOn(index, tls)
  }

  private mutating func goOn(_ index: Int, _ tls: TLSChannel) {
    var state = tls.handshake()
    // A short read says nothing of an end behind it.
    if state == .wouldBlock, backends[index].hungUp { state = tls.handshake() }
    sendEncrypted(backend: index)
    switch state {
    case .wouldBlock: return
    case .failed(let failure):
      backendLoginFailed(
        index, nil, "no TLS with the server: \(failure.reason)", isFinal: failure.isDistrust,
        hint: failure.hint)
    case .done:
      let target = target(of: index)
      if target.encryption == .verifyFull, !tls.peerIs(target.certificateHost) {
        let name = tls.peerCommonName.map { "\"\($0)\"" } ?? "another"
        return backendLoginFailed(
          index, nil,
          "the server's certificate, of \(name), does not match host name \"\(target.certificateHost)\"",
          isFinal: true, hint: "Name the host as the certificate does, or say sslmode=verify-ca.")
      }
      backends[index].isEncrypted = true
      backends[index].phase = .login
      sendStartup(index)
      // What came along with the end of the handshake is in OpenSSL's buffer, and no event tells of it.
      readLater(backend: index)
    }
  }

  // MARK: The other way

  /// `prefer` and `allow` try the other way once, as libpq does: on the same slot, by a new connection.
  /// Returns false when there is none to try.
  mutating func triesOtherwise(_ index: Int, _ login: BackendLogin, _ error: ErrorFields?) -> Bool {
    let isRefused = error?.sqlState == "28000"
    let identity = Int(login.identity.index)
    guard !login.isSecondTry, serverAddress(of: index)?.tls != nil else { return false }
    switch (target(of: index).encryption, login.isEncrypted) {
    case (.prefer, true):
      guard isRefused || (error == nil && backends[index].phase == .encrypting) else { return false }
    case (.allow, false), (.prefer, false), (.allow, true):
      // The second choice, taken first since it worked before, may have ceased to.
      guard isRefused else { return false }
    case (.disable, _), (.require, _), (.verifyCA, _), (.verifyFull, _): return false
    }
    identities.entries[identity].takesSecondChoice = false
    logger.debug("trying the server \(login.isEncrypted ? "without" : "with") TLS, as sslmode allows")
    let place = Int(backends[index].address)
    dropConnection(index)
    backendLogins[index] = BackendLogin(
      identity: login.identity, begunAt: login.begunAt, isEncrypted: !login.isEncrypted, isSecondTry: true,
      wasRefused: isRefused)
    backendLogins[index]?.place = place
    dialBackend(index)
    return true
  }

  /// Closes the connection of a slot that stays taken.
  mutating func dropConnection(_ index: Int) {
    poller.remove(backends[index].fd)
    close(backends[index].fd)
    backends[index].tls?.free()
    backends[index].incoming.free()
    backends[index].outgoing.free()
    let generation = backends[index].generation &+ 1
    let isReserved = backends[index].isReserved
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backends[index].isReserved = isReserved
    backendKeys[index] = nil
  }
}
