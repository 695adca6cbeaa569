import Glibc
import PoolCore
import PostgresWire

// Showing the server who the pool is.

extension PoolLoop {
  /// Answers one of the server's authentication requests.
  mutating func authenticateToServer(_ index: Int, _ request: AuthenticationRequest) {
    guard let login = backendLogins[index] else { return }
    let identity = identities.entries[Int(login.identity.index)]
    var writer = MessageWriter(reservingCapacity: 256)
    do throws(ScramError) {
      switch request {
      case .ok:
        // Who begins SCRAM and then lets the pool in has not shown that it knows the password.
        guard login.scram?.hasVerifiedServer != false else { throw .serverNotAuthentic }
        return
      case .sasl(let mechanisms):
        guard let scram = startScram(index, identity.serverPassword, mechanisms) else { return }
        var started = scram
        writer.saslInitialResponse(mechanism: scram.mechanism, response: started.clientFirst())
        backendLogins[index]?.scram = started
      case .saslContinue(let message):
        guard var scram = login.scram else { throw .outOfTurn }
        writer.saslResponse(try scram.received(serverFirst: message))
        backendLogins[index]?.scram = scram
      case .saslFinal(let message):
        guard var scram = login.scram else { throw .outOfTurn }
        try scram.received(serverFinal: message)
        backendLogins[index]?.scram = scram
        return
      case .cleartextPassword:
        guard mayAnswerPlainly(index), mayBeReadByOthers(index) == false else { return }
        writer.password(identity.serverPassword)
      case .md5Password(let salt):
        guard mayAnswerPlainly(index) else { return }
        writer.password(md5Response(user: identity.serverUser, password: identity.serverPassword, salt: salt))
      case .other(let code):
        return backendLoginFailed(
          index, nil, "the server asks for authentication method \(code), which the pool does not have")
      }
    } catch {
      return backendLoginFailed(index, nil, error.message)
    }
    sendToBackend(index, writer.bytes)
  }

  /// A SCRAM exchange by the best mechanism that the server offers, bound to the TLS channel where both can; `nil`
  /// when there is none, and the login has failed.
  private mutating func startScram(_ index: Int, _ password: String, _ mechanisms: [String]) -> ScramClient? {
    let mode = settings.target.channelBinding
    var binding = ChannelBinding.none
    if mode != .disable, mechanisms.contains("SCRAM-SHA-256-PLUS"),
      let hash = backends[index].tls?.endPoint(ofPeer: true)
    {
      binding = .tlsServerEndPoint(hash)
    }
    if binding == .none, mode == .require {
      bindingMissing(index)
      return nil
    }
    guard binding != .none || mechanisms.contains("SCRAM-SHA-256") else {
      backendLoginFailed(
        index, nil,
        "the server offers no SASL mechanism that the pool has: \(mechanisms.joined(separator: ", "))",
        isFinal: true)
      return nil
    }
    return ScramClient(
      password: password, clientNonce: scramNonce(), channelBinding: binding, hash: .openSSL)
  }

  private mutating func bindingMissing(_ index: Int) {
    backendLoginFailed(
      index, nil, "channel_binding=require, but the server does not authenticate with channel binding",
      isFinal: true,
      hint: "It needs TLS (sslmode=require), and a role whose password is stored as SCRAM-SHA-256.")
  }

  /// Whether a method without channel binding may be answered; if not, the login has failed.
  private mutating func mayAnswerPlainly(_ index: Int) -> Bool {
    guard settings.target.channelBinding == .require else { return true }
    bindingMissing(index)
    return false
  }

  /// Whether a password in clear text could be read on its way; if so, the login has failed.
  private mutating func mayBeReadByOthers(_ index: Int) -> Bool {
    let host = settings.target.host
    let isLocal = backends[index].isUnix || host == "localhost" || host == "::1" || host.hasPrefix("127.")
    guard backends[index].tls == nil, !isLocal else { return false }
    backendLoginFailed(
      index, nil, "the server asks for a password in clear text, which the pool does not send without TLS",
      isFinal: true, hint: "Say sslmode=require, or let the server use scram-sha-256 in pg_hba.conf.")
    return true
  }
}

/// What PostgreSQL's md5 method wants: `md5` and the hash of salt and the stored hash, which is that of password and
/// user. A password that is such a stored hash already is taken as it is.
/// Source: PostgreSQL manual, "Message Flow", AuthenticationMD5Password.
func md5Response(user: String, password: String, salt: [UInt8]) -> String {
  let isStored =
    password.utf8.count == 35 && password.hasPrefix("md5")
    && password.utf8.dropFirst(3).allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
  let stored = isStored ? String(password.dropFirst(3)) : md5Hex(Array(password.utf8) + Array(user.utf8))
  return "md5" + md5Hex(Array(stored.utf8) + salt)
}
