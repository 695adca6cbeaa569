import COpenSSL
import Glibc

/// What the connections of one side have in common: certificate, key, whom to trust.
///
/// Invariant: `pointer` is valid for this object's life and not changed after `init`; OpenSSL counts references to
/// it, so connections outlive an exchange of contexts.
final class TLSContext: @unchecked Sendable {
  enum Role: Equatable {
    case server
    /// Towards the host of that name; the name is told to the server (SNI).
    case client(host: String)
  }

  let pointer: OpaquePointer
  let role: Role
  /// For the log: whose certificate, and until when it is valid.
  let description: String

  /// What clients' SCRAM exchanges bind to: the hash of the pool's certificate.
  let endPoint: [UInt8]?

  private init(_ pointer: OpaquePointer, _ role: Role, _ description: String) {
    self.pointer = pointer
    endPoint = SSL_CTX_get0_certificate(pointer).flatMap { Self.endPoint(of: $0) }
    self.role = role
    self.description = description
  }

  deinit { SSL_CTX_free(pointer) }

  // MARK: Towards clients

  /// Reads certificate, key and authorities.
  ///
  /// - Throws: ``TLSFailure`` that names the file at fault.
  static func server(_ settings: PoolSettings.TLS) throws(TLSFailure) -> TLSContext {
    let context = try fresh(TLS_server_method())
    do throws(TLSFailure) {
      try useCertificate(context, settings)
      preferShortHash(context)
      // ``TLSChannel/offerSession()`` makes one, for clients that have come in.
      SSL_CTX_set_num_tickets(context, 0)
      // Invariant: 6 bytes that are copied.
      SSL_CTX_set_session_id_context(context, Array("dbtool".utf8), 6)
      SSL_CTX_set_alpn_select_cb(
        context,
        { _, selected, length, offered, count, _ in
          guard let selected, let length, let offered else { return SSL_TLSEXT_ERR_NOACK }
          return copenssl_alpn_select(selected, length, offered, count)
        }, nil)
      if settings.asksForCertificate {
        try trust(context, settings.caFile)
        if let names = SSL_load_client_CA_file(settings.caFile) { SSL_CTX_set_client_CA_list(context, names) }
        // A client without a certificate is told so in words, once it can be: in answer to its startup packet.
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nil)
      }
    } catch {
      SSL_CTX_free(context)
      throw error
    }
    return TLSContext(context, .server, describe(SSL_CTX_get0_certificate(context)))
  }

  /// Of TLS 1.3's suites that OpenSSL's configuration allows, the one that every implementation has comes first:
  /// AES-128 and SHA-256. Half of a resumed handshake's work is hashing, and processors do SHA-256 by themselves,
  /// but not SHA-384.
  private static func preferShortHash(_ context: OpaquePointer) {
    var names: [String] = []
    let ciphers = SSL_CTX_get_ciphers(context)
    for index in 0..<copenssl_cipher_count(ciphers) {
      guard let name = copenssl_cipher_name(ciphers, index).map({ String(cString: $0) }),
        name.hasPrefix("TLS_")
      else { continue }
      if name == "TLS_AES_128_GCM_SHA256" { names.insert(name, at: 0) } else { names.append(name) }
    }
    if names.count > 1 { SSL_CTX_set_ciphersuites(context, names.joined(separator: ":")) }
  }

  private static func useCertificate(
    _ context: OpaquePointer, _ settings: PoolSettings.TLS
  ) throws(TLSFailure) {
    try readable(settings.certFile, "cert_file")
    try readable(settings.keyFile, "key_file")
    guard SSL_CTX_use_certificate_chain_file(context, settings.certFile) == 1 else {
      throw .last(
        "cert_file \(settings.certFile) holds no usable certificate",
        hint: "It is PEM text: the pool's certificate first, then those between it and its authority.")
    }
    guard SSL_CTX_use_PrivateKey_file(context, settings.keyFile, SSL_FILETYPE_PEM) == 1 else {
      throw .last(
        "key_file \(settings.keyFile) holds no usable key for that certificate",
        hint: "It is PEM text without a passphrase, the key that the certificate was made for.")
    }
    guard SSL_CTX_check_private_key(context) == 1 else {
      throw .last(
        "key_file \(settings.keyFile) is not the key of cert_file \(settings.certFile)",
        hint: "Take the two files that were made together.")
    }
  }

  // MARK: Towards the server

  /// - Throws: ``TLSFailure`` that names the file at fault.
  static func client(_ target: PoolSettings.Target) throws(TLSFailure) -> TLSContext {
    let context = try fresh(TLS_client_method())
    do throws(TLSFailure) {
      // Invariant: 11 bytes that are copied.
      SSL_CTX_set_alpn_protos(context, [10] + Array("postgresql".utf8), 11)
      if target.encryption.checksAuthority {
        try trust(context, target.caFile)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
      }
    } catch {
      SSL_CTX_free(context)
      throw error
    }
    return TLSContext(context, .client(host: target.certificateHost), "")
  }

  // MARK: Both

  /// What SCRAM binds to (`tls-server-end-point`): a hash of the server's certificate, by the algorithm of its own
  /// signature. `nil` when that has none, as Ed25519. Source: RFC 5929, section 4.1.
  static func endPoint(of certificate: OpaquePointer) -> [UInt8]? {
    var algorithm: Int32 = 0
    guard X509_get_signature_info(certificate, &algorithm, nil, nil, nil) == 1 else { return nil }
    let digest =
      algorithm == NID_md5 || algorithm == NID_sha1
      ? EVP_sha256() : EVP_get_digestbyname(OBJ_nid2sn(algorithm))
    // Invariant: 64 bytes are EVP_MAX_MD_SIZE, the most that is written.
    var hash = [UInt8](repeating: 0, count: 64)
    var length: UInt32 = 0
    guard let digest, X509_digest(certificate, digest, &hash, &length) == 1 else { return nil }
    return Array(hash.prefix(Int(length)))
  }

  private static func fresh(_ method: OpaquePointer?) throws(TLSFailure) -> OpaquePointer {
    guard let context = SSL_CTX_new(method) else { throw .last("TLS cannot be set up") }
    copenssl_prepare(context)
    SSL_CTX_set_cipher_list(context, "HIGH:!aNULL:!eNULL:!PSK:!SRP")
    // Without this, OpenSSL would ask the terminal for a key's passphrase and wait.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
    return context
  }

  /// Takes the authorities of a PEM file; of the system for the file `system`, as libpq calls it.
  private static func trust(_ context: OpaquePointer, _ file: String) throws(TLSFailure) {
    if file == "system" {
      guard SSL_CTX_set_default_verify_paths(context) == 1 else { throw .last("the system's authorities") }
      return
    }
    try readable(file, "ca_file")
    guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
      throw .last(
        "ca_file \(file) holds no usable certificate",
        hint: "It is PEM text: the certificates of authorities.")
    }
  }

  private static func readable(_ path: String, _ key: String) throws(TLSFailure) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw TLSFailure(
        reason: "\(key) \(path) cannot be read: \(String(cString: strerror(errno)))",
        hint: "See whether the path is right and the pool's user may read the file.")
    }
    close(file)
  }

  private static func describe(_ certificate: OpaquePointer?) -> String {
    guard let certificate else { return "no certificate" }
    let name = commonName(of: certificate) ?? "without a name"
    var end = tm()
    guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 else { return name }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = "\(end.tm_year + 1900)-\(two(end.tm_mon + 1))-\(two(end.tm_mday))"
    let hasEnded = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0
    return hasEnded ? "\(name), expired since \(day)" : "\(name), valid until \(day)"
  }
}
