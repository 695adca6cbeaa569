import COpenSSL
import Glibc

/// How far a handshake is.
enum TLSHandshake: Equatable {
  case done
  case wouldBlock
  case failed(TLSFailure)
}

/// The encryption of one connection: two pointers, so that a slot stays a piece of memory without reference counts.
///
/// Invariant: `ssl` and `transport` live from `init` to ``free()``, which whoever holds the channel calls once.
struct TLSChannel {
  private let ssl: OpaquePointer
  private let transport: UnsafeMutablePointer<TLSTransport>

  /// - Returns: `nil` when there is no memory for it.
  init?(_ context: TLSContext, fd: Int32, output: TLSOutput) {
    guard let method = TLSTransport.method, let bio = BIO_new(method) else { return nil }
    guard let ssl = SSL_new(context.pointer) else {
      BIO_free(bio)
      return nil
    }
    self.ssl = ssl
    transport = .allocate(capacity: 1)
    transport.initialize(to: TLSTransport(fd: fd, output: output.buffer))
    BIO_set_data(bio, transport)
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    switch context.role {
    case .server: SSL_set_accept_state(ssl)
    case .client(let host):
      SSL_set_connect_state(ssl)
      // RFC 6066, section 3: no addresses in server_name.
      if !host.isEmpty, !isNumericAddress(host) { _ = copenssl_set_server_name(ssl, host) }
    }
  }

  func free() {
    SSL_free(ssl)
    transport.pointee.early.free()
    transport.deinitialize(count: 1)
    transport.deallocate()
  }

  /// Another loop has the connection from now on, whose buffer takes what is to be sent.
  func nowSends(to output: TLSOutput) { transport.pointee.output = output.buffer }

  /// Bytes of the handshake that were received already. Invariant: `base` covers `count` bytes.
  func receivedBefore(_ base: UnsafeRawPointer, count: Int) {
    transport.pointee.early.append(base, count: count)
  }

  // MARK: Traffic

  /// Reads what is there, the handshake's messages on the way. As ``Socket/read(into:count:)``: fewer bytes than
  /// asked for mean that neither the socket nor OpenSSL holds any more. What has to be sent because of it is in the
  /// loop's buffer afterwards.
  ///
  /// Invariant: `buffer` has room for `count` bytes.
  func read(into buffer: UnsafeMutableRawPointer, count: Int) -> ReadResult {
    guard !transport.pointee.isOver else { return .closed }
    transport.pointee.isDrained = false
    var filled = 0
    while filled < count {
      ERR_clear_error()
      let got = SSL_read(ssl, buffer + filled, Int32(truncatingIfNeeded: count - filled))
      if got > 0 {
        filled += Int(got)
        continue
      }
      if SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ {
        return filled > 0 ? .bytes(filled) : .wouldBlock
      }
      isOver()
      // Behind bytes that still count, the next read meets the end; ``hasEnded`` makes it come.
      return filled > 0 ? .bytes(filled) : .closed
    }
    return .bytes(filled)
  }

  /// Goes on with the handshake of a connection that the pool has begun, as far as what has come allows.
  func handshake() -> TLSHandshake {
    transport.pointee.isDrained = false
    ERR_clear_error()
    let status = SSL_do_handshake(ssl)
    if status == 1 { return .done }
    if SSL_get_error(ssl, status) == SSL_ERROR_WANT_READ { return .wouldBlock }
    isOver()
    return .failed(failure ?? TLSFailure(reason: "the connection ended"))
  }

  private func isOver() {
    transport.pointee.isOver = true
    // The first error in the queue is the cause, the others what came of it.
    let code = ERR_get_error()
    if code != 0 { transport.pointee.failure = text(ofError: code) }
    ERR_clear_error()
  }

  /// No event need come for what is still to be read: the end.
  var hasEnded: Bool { transport.pointee.isOver }

  /// Whether the handshake has ended well.
  var isEstablished: Bool { SSL_is_init_finished(ssl) == 1 && !transport.pointee.isOver }

  /// Encrypts into the loop's buffer. Nothing is written before the handshake has ended, nor after the end.
  /// Invariant: `base` covers `count` bytes.
  func write(_ base: UnsafeRawPointer, count: Int) {
    guard isEstablished else { return }
    var offset = 0
    while offset < count {
      ERR_clear_error()
      let sent = SSL_write(ssl, base + offset, Int32(truncatingIfNeeded: min(count - offset, 1 << 30)))
      guard sent > 0 else { return isOver() }
      offset += Int(sent)
    }
  }

  /// Puts a ticket into the loop's buffer, by which the client may resume this session when it comes again; what is
  /// written next goes along in the same packet. Only TLS 1.3 has such tickets; the handshake of 1.2 sends its own.
  func offerSession() {
    ERR_clear_error()
    guard isEstablished, SSL_new_session_ticket(ssl) == 1 else { return }
    if SSL_do_handshake(ssl) != 1 { isOver() }
  }

  /// Puts the goodbye (close_notify) into the loop's buffer; behind the peer's own it is the answer to that.
  func sayGoodbye() {
    let wasLeft = SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 && transport.pointee.failure == nil
    guard SSL_is_init_finished(ssl) == 1, !transport.pointee.isOver || wasLeft else { return }
    ERR_clear_error()
    _ = SSL_shutdown(ssl)
  }

  // MARK: The peer

  /// Why the connection came to nothing; `nil` while it has not.
  var failure: TLSFailure? {
    // OpenSSL judges certificates that nobody asked it to check, too.
    let isChecked = SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0
    let verdict = SSL_get_verify_result(ssl)
    if isChecked, verdict != X509_V_OK { return .notTrusted(verdict) }
    return transport.pointee.failure.map { TLSFailure(reason: $0, hint: TLSFailure.hint(for: $0)) }
  }

  /// "TLSv1.3"
  var version: String { String(cString: SSL_get_version(ssl)) }

  /// Whether the protocol `postgresql` was agreed on (ALPN), as direct TLS demands.
  var isForPostgres: Bool {
    // Invariant: OpenSSL's own memory, `length` bytes, valid while the connection is.
    var name: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &name, &length)
    return UnsafeBufferPointer(start: name, count: Int(length)).elementsEqual("postgresql".utf8)
  }

  /// Whether the peer has shown a certificate; it was checked during the handshake, where the mode asks for it.
  var hasPeerCertificate: Bool { SSL_get0_peer_certificate(ssl) != nil }

  /// The common name in the peer's certificate; `nil` when there is none, or it holds a zero byte.
  var peerCommonName: String? {
    SSL_get0_peer_certificate(ssl).flatMap { commonName(of: $0) }
  }

  /// What SCRAM binds to, see ``TLSContext/endPoint(of:)``.
  /// - Parameter ofPeer: whether the peer is the server.
  func endPoint(ofPeer: Bool) -> [UInt8]? {
    guard let certificate = ofPeer ? SSL_get0_peer_certificate(ssl) : SSL_get_certificate(ssl) else {
      return nil
    }
    return TLSContext.endPoint(of: certificate)
  }

  /// Whether the connection began with this context.
  func uses(_ context: TLSContext) -> Bool { SSL_get_SSL_CTX(ssl) == context.pointer }

  /// Whether the peer's certificate is for `host`: a name, with wildcards, or an address.
  /// As libpq an address may also stand where a name would. Source: PostgreSQL manual, "SSL Support".
  func peerIs(_ host: String) -> Bool {
    guard let certificate = SSL_get0_peer_certificate(ssl) else { return false }
    if isNumericAddress(host), X509_check_ip_asc(certificate, host, 0) == 1 { return true }
    return X509_check_host(certificate, host, 0, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS), nil) == 1
  }
}
