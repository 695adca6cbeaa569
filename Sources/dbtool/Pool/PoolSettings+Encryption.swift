import PoolServer

extension PoolSettings.Target {
  /// Takes libpq's `sslmode`, `sslrootcert` and `sslnegotiation`; `nil` is libpq's default.
  ///
  /// - Throws: ``PoolValueProblem`` that continues a sentence which begins with `sslmode`.
  mutating func encrypt(
    mode: String?, caFile: String, negotiation: String? = nil
  ) throws(PoolValueProblem) {
    self.caFile = caFile
    // As libpq: who trusts everybody whom the system trusts must look at the name, too.
    let fallback = caFile == "system" ? PoolSettings.ServerEncryption.verifyFull : .prefer
    if let mode {
      guard let known = PoolSettings.ServerEncryption(rawValue: mode) else {
        throw PoolValueProblem(
          what: "is none of disable, allow, prefer, require, verify-ca, verify-full",
          hint: "it says \(mode.quoted)")
      }
      encryption = known
    } else {
      encryption = fallback
    }
    // As libpq: an authority that is named is not ignored.
    if encryption == .require, !caFile.isEmpty { encryption = .verifyCA }
    if caFile == "system", encryption != .verifyFull {
      throw PoolValueProblem(
        what: "is \(encryption.rawValue), too weak for the authority \"system\"",
        hint: "say sslmode=verify-full, or name a file")
    }
    guard !encryption.checksAuthority || !caFile.isEmpty else {
      throw PoolValueProblem(
        what: "is \(encryption.rawValue), which needs the certificate of an authority",
        hint:
          "name it by sslrootcert in DATABASE_URL, PGSSLROOTCERT, or ca_file in [[pool.targets]]; \"system\" takes the system's"
      )
    }
    switch negotiation {
    case nil, "postgres"?: break
    case "direct"?:
      guard encryption.isRequired else {
        throw PoolValueProblem(
          what: "is \(encryption.rawValue), too weak for sslnegotiation=direct", hint: "say sslmode=require")
      }
      isDirect = true
    case let other?:
      throw PoolValueProblem(
        what: "stands beside sslnegotiation=\(other), which is not known", hint: "postgres and direct are")
    }
  }
}
