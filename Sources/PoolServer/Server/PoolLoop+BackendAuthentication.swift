import Glibc
import Logging
import PoolCore
import PostgresWire

// Showing the server who the pool is.

extension PoolLoop {
  /// Answers one of the server's authentication requests.
  mutating func authenticateToServer(_ index: Int, _ request: AuthenticationRequest) {
    guard let login = backendLogins[index] else { return }
    var writer = MessageWriter(reservingCapacity: 256)
    do throws(ScramError) {
      switch request {
      case .ok:
        // Who begins SCRAM and then lets the pool in has not shown that it knows the password.
        guard login.scram?.hasVerifiedServer != false else { throw .serverNotAuthentic }
        return
      case .sasl(let mechanisms):
        guard let scram = startScram(index, login, mechanisms) else { return }
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
        learnKeys(login, scram)
        return
      case .cleartextPassword:
        guard mayAnswerPlainly(index), mayBeReadByOthers(index) == false else { return }
        guard case .plain(let password) = credential(of: login) else {
          return cannotAnswer(index, login, "a password in clear text")
        }
        writer.password(password)
      case .md5Password(let salt):
        guard mayAnswerPlainly(index) else { return }
        let user = identities.entries[Int(login.identity.index)].serverUser
        guard let answer = md5Response(user: user, password: credential(of: login), salt: salt) else {
          return cannotAnswer(index, login, "an md5 answer")
        }
        writer.password(answer)
      case .other(let code):
        return backendLoginFailed(
          index, nil, "the server asks for authentication method \(code), which the pool does not have")
      }
    } catch {
      if error == .otherVerifier { return verifierDiffers(index, login) }
      return backendLoginFailed(index, nil, error.message)
    }
    sendToBackend(index, writer.bytes)
  }

  /// A SCRAM exchange by the best mechanism that the server offers, bound to the TLS channel where both can; `nil`
  /// when there is none, and the login has failed.
  private mutating func startScram(
    _ index: Int, _ login: BackendLogin, _ mechanisms: [String]
  ) -> ScramClient? {
    let mode = target(of: index).channelBinding
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
    switch credential(of: login) {
    case .plain(let password):
      let account = identities.accounts[identities.entries[Int(login.identity.index)].account]
      return ScramClient(
        password: password, clientNonce: scramNonce(), channelBinding: binding,
        known: account?.serverCredential.keys(ofChoice: login.choice) ?? [], hash: .openSSL)
    case .scram(let verifier):
      let account = identities.accounts[identities.entries[Int(login.identity.index)].account]
      guard let proved = account?.proved, proved.verifier == verifier else {
        keyMissing(index, login)
        return nil
      }
      return ScramClient(
        keys: proved.keys, of: verifier, clientNonce: scramNonce(), channelBinding: binding, hash: .openSSL)
    case .md5:
      cannotAnswer(index, login, "a SCRAM proof")
      return nil
    }
  }

  /// Of a plain password, what it becomes under this server's salt; unless it has changed meanwhile.
  private mutating func learnKeys(_ login: BackendLogin, _ scram: ScramClient) {
    guard let derived = scram.derived, case .plain(let password) = credential(of: login), scram.isOf(password)
    else { return }
    let account = identities.entries[Int(login.identity.index)].account
    identities.accounts[account]?.serverCredential.learn(derived, ofChoice: login.choice)
  }

  // MARK: Stored passwords

  /// What this login shows the server. Nothing at all is an empty password, which no server takes.
  private func credential(of login: BackendLogin) -> StoredPassword {
    let account = identities.accounts[identities.entries[Int(login.identity.index)].account]
    let choices = account?.serverCredential.choices ?? [.plain("")]
    return choices[min(login.choice, choices.count - 1)]
  }

  private mutating func cannotAnswer(_ index: Int, _ login: BackendLogin, _ wanted: String) {
    let user = identities.entries[Int(login.identity.index)].user
    let stored = credential(of: login)
    backendLoginFailed(
      index, nil, "the server wants \(wanted), and the pool has \(stored) for user \"\(user)\"",
      isFinal: true, hint: "Give the pool the plain password, or the form in which the server keeps it.")
  }

  /// Only a verifier is known, and nobody has logged in yet who proved the key to it. For a probe it is enough that
  /// the server asks.
  private mutating func keyMissing(_ index: Int, _ login: BackendLogin) {
    guard pool.waitingCount(of: login.identity) == 0 else {
      return backendLoginFailed(
        index, nil,
        "the pool has only a SCRAM verifier for user"
          + " \"\(identities.entries[Int(login.identity.index)].user)\", and no key to it yet",
        isFinal: true, hint: "The first client that logs in by SCRAM brings the key.")
    }
    _ = answerEntry(index, .needsClient)
    serverAnswers(from: index)
    server.probeDue = now.advanced(byMilliseconds: 1_000)
    closeBackend(index)
  }

  private mutating func verifierDiffers(_ index: Int, _ login: BackendLogin) {
    let user = identities.entries[Int(login.identity.index)].user
    backendLoginFailed(
      index, nil,
      "the server's SCRAM secret of user \"\(user)\" has another salt or iteration count than the pool's verifier",
      isFinal: true,
      hint: "Copy rolpassword from pg_authid to the pool as it is now, or give the pool the plain password.")
  }

  // MARK: Passwords that change

  /// The server has refused a password: the one before it, or one that is in its file by now, is tried on the same
  /// slot. Returns false when there is none.
  mutating func triesOtherPassword(_ index: Int, _ login: BackendLogin, _ error: ErrorFields?) -> Bool {
    guard error?.sqlState == "28P01" else { return false }
    let account = identities.entries[Int(login.identity.index)].account
    let hasChanged = refreshAccount(account)
    let choices = identities.accounts[account]?.serverCredential.choices.count ?? 1
    let next = hasChanged ? 0 : login.choice + 1
    guard next < choices, hasChanged || next > login.choice else { return false }
    logger.info(
      hasChanged
        ? "the password has changed; trying the server again" : "trying the password before the last change",
      metadata: ["user": "\(identities.entries[Int(login.identity.index)].serverUser)"])
    let place = Int(backends[index].address)
    dropConnection(index)
    var again = BackendLogin(
      identity: login.identity, begunAt: login.begunAt, isEncrypted: login.isEncrypted)
    again.isSecondTry = login.isSecondTry
    again.wasRefused = login.wasRefused
    again.choice = next
    again.place = place
    backendLogins[index] = again
    dialBackend(index)
    return true
  }

  /// The server has let the identity in.
  mutating func passwordTaken(_ login: BackendLogin) {
    let account = identities.entries[Int(login.identity.index)].account
    identities.accounts[account]?.serverCredential.entered(byChoice: login.choice)
  }

  /// Whether the server's refusal may pass: it knew the password, and a change of it is perhaps known to one side
  /// only so far.
  mutating func mayBeChanging(_ identity: IdentityID, _ error: ErrorFields?) -> Bool {
    guard error?.sqlState == "28P01" else { return false }
    let account = identities.entries[Int(identity.index)].account
    let patience = passwordOverlap
    guard identities.accounts[account]?.hasFile == true else { return false }
    return identities.accounts[account]?.serverCredential.refused(at: now, patience: patience) ?? false
  }

  private mutating func bindingMissing(_ index: Int) {
    backendLoginFailed(
      index, nil, "channel_binding=require, but the server does not authenticate with channel binding",
      isFinal: true,
      hint: "It needs TLS (sslmode=require), and a role whose password is stored as SCRAM-SHA-256.")
  }

  /// Whether a method without channel binding may be answered; if not, the login has failed.
  private mutating func mayAnswerPlainly(_ index: Int) -> Bool {
    guard target(of: index).channelBinding == .require else { return true }
    bindingMissing(index)
    return false
  }

  /// Whether a password in clear text could be read on its way; if so, the login has failed.
  private mutating func mayBeReadByOthers(_ index: Int) -> Bool {
    let host = target(of: index).host
    let isLocal = backends[index].isUnix || host == "localhost" || host == "::1" || host.hasPrefix("127.")
    guard backends[index].tls == nil, !isLocal else { return false }
    backendLoginFailed(
      index, nil, "the server asks for a password in clear text, which the pool does not send without TLS",
      isFinal: true, hint: "Say sslmode=require, or let the server use scram-sha-256 in pg_hba.conf.")
    return true
  }
}

/// What PostgreSQL's md5 method wants: `md5` and the hash of salt and the stored hash, which is that of password and
/// user; `nil` where only a SCRAM verifier is known.
/// Source: PostgreSQL manual, "Message Flow", AuthenticationMD5Password.
func md5Response(user: String, password: StoredPassword, salt: [UInt8]) -> String? {
  switch password {
  case .plain(let text): "md5" + md5Hex(Array(md5Hex(Array(text.utf8) + Array(user.utf8)).utf8) + salt)
  case .md5(let hash): "md5" + md5Hex(Array(hash.utf8) + salt)
  case .scram: nil
  }
}
