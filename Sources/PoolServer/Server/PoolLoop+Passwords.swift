import Glibc
import Logging
import PoolCore
import PostgresWire

// How clients are asked for their password, and what they answer.

extension PoolLoop {
  /// Asks the client as its user's stored password allows.
  mutating func challenge(
    _ index: Int, _ startup: KnownStartup, _ account: [UInt8], _ wanted: PasswordManner,
    _ writer: inout MessageWriter
  ) -> (ClientLogin.Exchange, ScramServer?) {
    let challenge = identities.accounts.challenge(
      startup.user, account, wanted, at: now, overlap: passwordOverlap, seconds: Int64(time(nil)))
    switch challenge {
    case .md5(let hashes):
      let salt = random.take(4)
      writer.authenticationMD5(salt: salt)
      return (.md5(hashes, salt: salt), nil)
    case .scram(let verifier, let previous):
      let binding = endPoint(towards: index).map { ChannelBinding.tlsServerEndPoint($0) } ?? .none
      writer.authenticationSASL(mechanisms: binding.mechanisms)
      let scram = ScramServer(
        verifier: verifier, previous: previous, serverNonce: random.nonce(), channelBinding: binding,
        hash: .openSSL)
      return (.scramFirst, scram)
    }
  }

  /// For so long a password counts on beside its successor, at least. Milliseconds.
  var passwordOverlap: UInt64 { settings.loginTimeout > 0 ? settings.loginTimeout : 15_000 }

  /// The proof was right. With the key that it shows, the pool can enter the server as this user.
  func passwordProved(_ login: ClientLogin) throws(ScramError) {
    guard let account = identities.accounts[login.account] else { throw .wrongPassword }
    if let clientKey = login.scram?.clientKey, case .scram(let verifier) = account.password.current,
      account.proved?.verifier != verifier,
      // It may have changed while the client answered.
      ScramHash.openSSL.sha256(clientKey) == verifier.storedKey
    {
      account.proved = (ScramKeys(clientKey: clientKey, serverKey: verifier.serverKey), verifier)
    }
  }

  /// Whether a client's answer fits one of the hashes; all are compared, whichever it is.
  func isMD5Answer(_ answer: [UInt8], to salt: [UInt8], _ hashes: [String]) -> Bool {
    var fits = false
    for hash in hashes where !hash.isEmpty {
      let expected = Array(("md5" + md5Hex(Array(hash.utf8) + salt)).utf8)
      if isEqualInConstantTime(answer, expected) { fits = true }
    }
    return fits
  }

  mutating func authenticationFailed(_ index: Int, _ login: ClientLogin, _ error: ScramError) {
    let user = login.startup.user
    // The password may have been changed a moment ago.
    if let subject = login.subject { lookups.table.forget(subject) }
    counters.clientSetupsFailedAuthentication += 1
    logger.info(
      "login refused: \(error.message)",
      metadata: [
        "user": "\(user)", "client": "\(address(ofClient: index)?.description ?? "[local]")",
      ])
    // Alike for a wrong password and an unknown user, in words and time.
    guard error != .wrongPassword else {
      return loginFailed(index, "28P01", "password authentication failed for user \"\(user)\"")
    }
    let answer = error.answer
    refuse(
      index,
      ErrorFields(
        severity: .fatal, sqlState: error.sqlState, message: answer.message, detail: answer.detail))
  }

  // MARK: Files that change

  /// Before a login: reads what has changed of the files that name the user.
  mutating func refreshUser(_ startup: KnownStartup) {
    if identities.accounts.isNamed(startup.account) {
      if refreshAccount(startup.account) {
        logger.notice("a password was read again", metadata: ["user": "\(startup.user)"])
      }
    } else {
      refreshUserList()
    }
  }

  /// Reads the account's password files again where they have changed. Returns whether a password has.
  mutating func refreshAccount(_ account: [UInt8]) -> Bool {
    guard identities.accounts.isNamed(account) else {
      let before = identities.accounts[account]?.password.current
      refreshUserList()
      return identities.accounts[account]?.password.current != before
    }
    return identities.accounts.refresh(account, at: now) { [logger] error in
      logger.error("\(error.message); the password in use stays")
    }
  }

  /// Reads `auth_file` again when it has changed; a large one once a second at most.
  mutating func refreshUserList() {
    guard !settings.authFile.isEmpty, now >= userListDue, userList?.hasChanged() == true else { return }
    readUserList()
  }

  /// - Returns: whether it could be read; if not, the users stay as they are, and the log says why.
  @discardableResult
  mutating func readUserList() -> Bool {
    do throws(AccessFileError) {
      let users = try Self.users(in: settings.authFile)
      if users.count > 1_000 { userListDue = now.advanced(byMilliseconds: 1_000) }
      identities.accounts.list(users, at: now)
      computeVerifiers(users)
      logger.notice("auth_file was read", metadata: ["users": "\(users.count)"])
      return true
    } catch {
      logger.error("\(error.message); the users stay as they are")
      return false
    }
  }

  static func users(in path: String) throws(AccessFileError) -> [UserList.User] {
    let text = try TextFile.text(of: path)
    do throws(AccessFileFault) {
      return try UserList(text).users
    } catch {
      throw AccessFileError(path: path, line: error.line, what: error.what)
    }
  }

  /// Off the loop: each costs 2.4 ms, which must neither hold up others nor tell who logs in for the first time.
  private func computeVerifiers(_ users: [UserList.User]) {
    let passwords = identities.accounts.plainPasswords(of: users)
    guard !passwords.isEmpty else { return }
    let mailbox = self.mailbox
    startThread {
      for (user, password, salt) in passwords {
        guard let verifier = Credential.verifier(of: .plain(password), salt: salt) else { continue }
        mailbox.post(.verifier(user: user, password: password, verifier))
      }
    }
  }

  /// SIGHUP: everything that names users or holds passwords.
  mutating func reloadSecrets() {
    for account in identities.accounts.configured where refreshAccount(account) {
      logger.notice(
        "a password was read again", metadata: ["user": "\(String(decoding: account, as: UTF8.self))"])
    }
    if !settings.authFile.isEmpty {
      _ = userList?.hasChanged()
      readUserList()
    }
    if !settings.authHBAFile.isEmpty { readRules() }
  }
}
