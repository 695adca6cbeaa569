import Logging
import PoolCore
import PostgresWire

/// How a client comes in.
struct WayIn {
  /// How it is asked for a password; `nil`: it need show none.
  var password: PasswordManner?
}

/// Why it does not.
struct RuleRefusal: Error {
  let fields: ErrorFields

  init(_ message: String, hint: String? = nil) {
    fields = ErrorFields(severity: .fatal, sqlState: "28000", message: message, hint: hint)
  }
}

// Rules in the form of pg_hba.conf: `auth_hba_file`.

extension PoolLoop {
  /// What the rules say of a client; without rules a password is asked for.
  func wayIn(_ index: Int, _ request: StartupRequest) -> Result<WayIn, RuleRefusal> {
    guard let rules else { return .success(WayIn(password: .asStored)) }
    let isEncrypted = clients[index].tls != nil
    let address = address(ofClient: index)
    var visitor = AccessRules.Visitor(
      user: request.user, database: request.database, address: address, isEncrypted: isEncrypted)
    // As at PostgreSQL, one that replicates from a database comes in by that database's rules.
    visitor.isReplication = request.replication == .physical
    let who =
      "host \"\(address?.description ?? "[local]")\", user \"\(request.user)\", "
      + (visitor.isReplication ? "" : "database \"\(request.database)\", ")
      + (isEncrypted ? "SSL encryption" : "no encryption")
    let kind = visitor.isReplication ? "replication connection" : "connection"
    guard let rule = rules.rule(for: visitor) else {
      logger.info("login refused: no rule for \(who)")
      return .failure(
        RuleRefusal(
          visitor.isReplication
            ? "no pg_hba.conf entry for replication connection from \(who)"
            : "no pg_hba.conf entry for \(who)"))
    }
    switch rule.method {
    case .reject:
      logger.info("login refused by \(settings.authHBAFile):\(rule.line): \(who)")
      return .failure(
        RuleRefusal(
          visitor.isReplication
            ? "pg_hba.conf rejects \(kind) from \(who)" : "pg_hba.conf rejects \(kind) for \(who)"))
    case .scram: return .success(WayIn(password: .scram))
    case .md5: return .success(WayIn(password: .md5))
    case .trust: return .success(WayIn())
    case .peer: return byPeer(index, request)
    case .cert: return byCertificate(index, request)
    }
  }

  private func byPeer(_ index: Int, _ request: StartupRequest) -> Result<WayIn, RuleRefusal> {
    guard let name = Socket(fd: clients[index].fd).peerUser, name.utf8.elementsEqual(request.user.utf8) else {
      return .failure(RuleRefusal("Peer authentication failed for user \"\(request.user)\""))
    }
    return .success(WayIn())
  }

  private func byCertificate(_ index: Int, _ request: StartupRequest) -> Result<WayIn, RuleRefusal> {
    guard let tls = clients[index].tls, tls.hasPeerCertificate else {
      return .failure(
        RuleRefusal(
          "connection requires a valid client certificate",
          hint: "Name one by sslcert, and its key by sslkey."))
    }
    guard tls.peerCommonName?.utf8.elementsEqual(request.user.utf8) == true else {
      return .failure(
        RuleRefusal(
          "certificate authentication failed for user \"\(request.user)\"",
          hint: "The common name of the client's certificate must be the user's name."))
    }
    return .success(WayIn())
  }

  /// Where the client is; `nil` for a Unix socket.
  func address(ofClient index: Int) -> NetworkAddress? {
    clients[index].isUnix ? nil : proxied[index] ?? Socket(fd: clients[index].fd).peerAddress
  }

  /// Reads `auth_hba_file`. If that cannot be, the rules in use stay, and the log says why.
  mutating func readRules() {
    do throws(AccessFileError) {
      let fresh = try Self.rules(in: settings.authHBAFile)
      rules = fresh
      logger.notice("auth_hba_file was read", metadata: ["rules": "\(fresh.rules.count)"])
    } catch {
      logger.error("\(error.message); the rules in use stay")
    }
  }

  static func rules(in path: String) throws(AccessFileError) -> AccessRules {
    let text = try TextFile.text(of: path)
    do throws(AccessFileFault) {
      return try AccessRules(text)
    } catch {
      throw AccessFileError(path: path, line: error.line, what: error.what)
    }
  }
}
