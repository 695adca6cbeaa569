import Logging
import PoolCore
import PostgresWire

// Encryption towards clients. A slot without `tls` is plain and takes none of these ways.

extension PoolLoop {
  // MARK: Traffic

  /// What a client has sent, in plain. Invariant: `buffer` has room for `scratchSize` bytes if it `lends`, else for `clientRoom`.
  /// What was received is in it, or, where that lends, elsewhere: at `received`.
  @inline(__always)
  mutating func receive(
    client index: Int, into buffer: UnsafeMutableRawPointer, lends: Bool = true
  ) -> ReadResult {
    received = UnsafeRawPointer(buffer)
    let room = lends ? Self.scratchSize : Self.clientRoom
    guard let tls = clients[index].tls else {
      if usesRing, clientLinks.isPlain(index) {
        return clientLinks.take(index, into: buffer, room, lends: lends, at: &received, ring, poller)
      }
      return Socket(fd: clients[index].fd).read(into: buffer, count: room)
    }
    let result = tls.read(into: buffer, count: room)
    // The handshake's answers, or an alert.
    sendEncrypted(client: index)
    if tls.hasEnded {
      clients[index].hungUp = true
      if clients[index].phase == .startup, let failure = tls.failure { handshakeFailed(failure) }
    }
    return result
  }

  /// Sends what TLS has put into the loop's buffer for this client.
  mutating func sendEncrypted(client index: Int) {
    let buffer = encrypted.buffer
    guard !buffer.pointee.isEmpty else { return }
    sendAsIs(client: index, UnsafeRawPointer(buffer.pointee.base), buffer.pointee.count)
    buffer.pointee.removeAll()
  }

  /// Says goodbye and frees what the client's encryption holds; the descriptor is still open.
  mutating func endEncryption(client index: Int) {
    guard let tls = clients[index].tls else { return }
    // Behind half a record, a goodbye would be taken for the rest of it.
    if clients[index].outgoing.isEmpty {
      tls.sayGoodbye()
      sendEncrypted(client: index)
    }
    clients[index].tls = nil
    tls.free()
  }

  private mutating func handshakeFailed(_ failure: TLSFailure) {
    counters.encryptionRefusals += 1
    var facts: Logger.Metadata = [:]
    if let hint = failure.hint { facts["hint"] = "\(hint)" }
    logger.info("TLS handshake of a client failed: \(failure.reason)", metadata: facts)
  }

  // MARK: Login

  /// What the client may bind its SCRAM exchange to.
  func endPoint(towards index: Int) -> [UInt8]? {
    guard let tls = clients[index].tls else { return nil }
    // After a reload connections have the certificate that they began with.
    if let context = clientTLS, tls.uses(context) { return context.endPoint }
    return tls.endPoint(ofPeer: false)
  }

  /// Answers SSLRequest or GSSENCRequest; TLS begins behind an S.
  mutating func answerEncryptionRequest(_ index: Int, isTLS: Bool) {
    guard isTLS, let context = clientTLS, !clients[index].isUnix,
      let channel = TLSChannel(context, fd: clients[index].fd, output: encrypted)
    else { return sendToClient(index, [UInt8(ascii: "N")]) }
    sendToClient(index, [UInt8(ascii: "S")])
    clients[index].tls = channel
  }

  /// A handshake without a request in front of it (libpq's `sslnegotiation=direct`).
  mutating func beginDirectTLS(_ index: Int, _ received: Span<UInt8>) {
    guard let context = clientTLS, !clients[index].isUnix, clients[index].tls == nil,
      let channel = TLSChannel(context, fd: clients[index].fd, output: encrypted)
    else {
      counters.encryptionRefusals += 1
      return loginFailed(
        index, "28000", "the pool does not speak TLS",
        hint:
          "Connect with sslmode=prefer or sslmode=disable, or give the pool a certificate by tls.cert_file.")
    }
    // Invariant: the bytes are copied before the span ends.
    received.withUnsafeBufferPointer { bytes in
      if let base = bytes.baseAddress { channel.receivedBefore(base, count: bytes.count) }
    }
    clients[index].tls = channel
    clients[index].isDirectTLS = true
    // They are no event's any more.
    readLater(client: index)
  }

  /// Why a client may not come in on this connection, plain or with the certificate that it has shown.
  func encryptionRefusal(_ index: Int, _ request: StartupRequest) -> ErrorFields? {
    func refusal(_ message: String, _ hint: String, sqlState: String = "28000") -> ErrorFields {
      ErrorFields(severity: .fatal, sqlState: sqlState, message: message, hint: hint)
    }
    let mode = settings.tls.mode
    guard let tls = clients[index].tls else {
      guard mode.isRequired, !clients[index].isUnix else { return nil }
      return settings.errorWords.say(
        refusal("the pool takes TLS connections only", "Connect with sslmode=require, or a stricter one."),
        .needsEncryption)
    }
    if clients[index].isDirectTLS, !tls.isForPostgres {
      return refusal(
        "direct TLS connection without the ALPN protocol \"postgresql\"",
        "Name the protocol in the handshake, or send an SSLRequest first.", sqlState: "08P01")
    }
    guard mode.asksForCertificate else { return nil }
    guard tls.hasPeerCertificate else {
      return refusal(
        "connection requires a valid client certificate", "Name one by sslcert, and its key by sslkey.")
    }
    // Bytes: two spellings of one accented letter are two roles for PostgreSQL.
    if mode == .verifyFull, tls.peerCommonName?.utf8.elementsEqual(request.user.utf8) != true {
      return refusal(
        "certificate authentication failed for user \"\(request.user)\"",
        "The common name of the client's certificate must be the user's name.")
    }
    return nil
  }
}
