import CLinux
import COpenSSL
import Glibc

/// Why a connection could not be encrypted, or a certificate not be used.
struct TLSFailure: Error, Equatable {
  let reason: String
  var hint: String?
  /// The peer is not who it should be: trying again changes nothing.
  var isDistrust = false

  /// The peer's certificate did not stand the check. `verdict` is one of OpenSSL's `X509_V_ERR_…`.
  static func notTrusted(_ verdict: Int) -> TLSFailure {
    let words = X509_verify_cert_error_string(verdict).map { String(cString: $0) } ?? "error \(verdict)"
    let hint: String
    switch Int32(truncatingIfNeeded: verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      hint = "Renew the certificate; see also whether this machine's clock is right."
    case X509_V_ERR_CERT_NOT_YET_VALID: hint = "See whether this machine's clock is right."
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      hint = "ca_file must hold the certificate of the authority that signed it."
    // The rest is an open set: OpenSSL's.
    default: hint = "Look at the certificate with openssl x509 -text, or have it made anew."
    }
    return TLSFailure(reason: "the certificate is not trusted: \(words)", hint: hint, isDistrust: true)
  }

  /// What to do about an error of a handshake, from OpenSSL's own words.
  static func hint(for reason: String) -> String? {
    if reason.contains("unsupported protocol") || reason.contains("protocol version") {
      return "TLS 1.2 or 1.3 is needed on both sides."
    }
    if reason.contains("certificate required") || reason.contains("handshake failure") {
      return "The other side may want a client certificate, or other ciphers."
    }
    return nil
  }

  /// What OpenSSL's last call has complained of, and nothing of it is left for the next.
  static func last(_ what: String, hint: String? = nil) -> TLSFailure {
    let code = ERR_get_error()
    ERR_clear_error()
    return TLSFailure(reason: code == 0 ? what : "\(what): \(text(ofError: code))", hint: hint)
  }
}

/// OpenSSL's words for an error of its queue; the system's for an error of the system.
func text(ofError code: UInt) -> String {
  if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
  // ERR_GET_REASON of a system error is errno.
  let number = Int32(truncatingIfNeeded: code & 0x7FFF_FFFF)
  return code & (0x7FFF_FFFF + 1) != 0 ? String(cString: strerror(number)) : "OpenSSL error \(code)"
}

/// Whether a host is written as an IPv4 or IPv6 address.
func isNumericAddress(_ host: String) -> Bool {
  var address = in6_addr()
  // Invariant: 16 bytes, which is room for both kinds.
  return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
}

/// The common name of a certificate's subject; `nil` when there is none, or it holds a zero byte, which some take for
/// its end.
func commonName(of certificate: OpaquePointer) -> String? {
  let name = X509_get_subject_name(certificate)
  let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
  guard index >= 0, let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)) else { return nil }
  // Invariant: OpenSSL allocates `length` bytes, which are copied and freed here.
  var bytes: UnsafeMutablePointer<UInt8>?
  let length = ASN1_STRING_to_UTF8(&bytes, data)
  guard length >= 0, let bytes else { return nil }
  defer { CRYPTO_free(bytes, nil, 0) }
  let text = UnsafeBufferPointer(start: bytes, count: Int(length))
  guard !text.contains(0) else { return nil }
  return String(validating: text, as: UTF8.self)
}
