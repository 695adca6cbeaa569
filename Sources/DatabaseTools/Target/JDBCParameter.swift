/// What becomes of each parameter of a JDBC URL: libpq has it too, it only tunes the Java driver, or it is
/// refused by name. Source: pgJDBC 42.7 documentation, "Connection Parameters".
package enum JDBCParameter {
  /// The same thing under another name.
  private static let renamed: [String: String] = [
    "user": "user", "password": "password", "PGHOST": "host", "PGPORT": "port", "PGDBNAME": "dbname",
    "sslmode": "sslmode", "sslcert": "sslcert", "sslkey": "sslkey", "sslrootcert": "sslrootcert",
    "sslpassword": "sslpassword", "sslNegotiation": "sslnegotiation", "channelBinding": "channel_binding",
    "gssEncMode": "gssencmode", "kerberosServerName": "krbsrvname", "requireAuth": "require_auth",
    "ApplicationName": "application_name", "service": "service", "options": "options",
    "connectTimeout": "connect_timeout", "loginTimeout": "connect_timeout",
  ]

  /// They change how the Java driver fetches, caches, logs or types; here there is nothing to change.
  private static let withoutEffect: Set<String> = [
    "prepareThreshold", "preparedStatementCacheQueries", "preparedStatementCacheSizeMiB", "binaryTransfer",
    "binaryTransferEnable", "binaryTransferDisable", "defaultRowFetchSize", "adaptiveFetch",
    "adaptiveFetchMinimum", "adaptiveFetchMaximum", "maxResultBuffer", "reWriteBatchedInserts",
    "databaseMetadataCacheFields", "databaseMetadataCacheFieldsMiB", "disableColumnSanitiser",
    "assumeMinServerVersion", "logUnclosedConnections", "logServerErrorDetail", "loggerLevel", "loggerFile",
    "unknownLength", "stringtype", "cancelSignalTimeout", "hostRecheckSeconds", "hideUnprivilegedObjects",
    "quoteReturningIdentifiers", "allowEncodingChanges", "escapeSyntaxCallMode", "groupStartupParameters",
    "sendBufferSize", "receiveBufferSize", "maxSendBufferSize", "sslResponseTimeout", "preferQueryMode",
    "cleanupSavepoints", "convertBooleanToNumeric",
  ]

  /// They would have to change something, and cannot.
  private static let refused: [String: String] = [
    "sslfactory": "it names a Java class; use sslmode and sslrootcert",
    "sslfactoryarg": "it belongs to a Java class; use sslrootcert",
    "sslhostnameverifier": "it names a Java class; use sslmode=verify-full",
    "sslpasswordcallback": "it names a Java class; use sslpassword",
    "socketFactory": "it names a Java class",
    "socketFactoryArg": "it belongs to a Java class",
    "authenticationPluginClassName": "it names a Java class; use --password-file or --secret",
    "xmlFactoryFactory": "it names a Java class",
    "jaasApplicationName": "it configures Java's login",
    "jaasLogin": "it configures Java's login",
    "gsslib": "it chooses a Java library",
    "gssUseDefaultCreds": "it configures Java's Kerberos",
    "gssResponseTimeout": "it configures Java's Kerberos",
    "sspiServiceClass": "it is for Windows",
    "useSpnego": "it is for Windows",
    "replication": "a migration cannot run on a replication connection",
    "protocolVersion": "libpq chooses the protocol",
    "readOnly": "a migration writes",
    "readOnlyMode": "a migration writes",
    "autosave": "statements are not wrapped in savepoints here",
    "localSocketAddress": "libpq cannot choose the local address",
    "socketTimeout": "it bounds every read, and a migration may take long; use --statement-timeout",
  ]

  static func take(
    _ key: String, _ value: String, into result: inout TargetSource, known: [String]
  ) throws(Failure) {
    if withoutEffect.contains(key) {
      result.notes.append("\(key) in \(result.name) tunes the Java driver and has no effect here")
      return
    }
    switch key {
    case "ssl":
      // pgjdbc: true (or nothing) is verify-full unless sslmode says otherwise; false leaves the default.
      if value.isEmpty || value == "true", result.parameters["sslmode"] == nil {
        result.set("sslmode", "verify-full")
      }
    case "tcpKeepAlive": result.set("keepalives", value == "true" ? "1" : "0")
    case "currentSchema": result.addOption("-c search_path=" + escaped(value))
    case "options": result.addOption(value)
    case "targetServerType":
      result.set("target_session_attrs", try sessionAttributes(value, result.name))
    case "loadBalanceHosts":
      if value == "true" { try put("load_balance_hosts", "random", for: key, into: &result, known) }
    case "socketTimeout" where value == "0": break  // no limit, which is what there is here
    case "readOnly" where value == "false", "autosave" where value == "never": break
    default:
      guard let name = renamed[key] else { throw refusal(of: key, in: result.name) }
      try put(name, value, for: key, into: &result, known)
    }
  }

  private static func put(
    _ name: String, _ value: String, for key: String, into result: inout TargetSource, _ known: [String]
  ) throws(Failure) {
    guard known.contains(name) else {
      throw .usage("\(result.name): \(key) needs a newer libpq than this machine's: it has no \(name)")
    }
    if name == "connect_timeout", value == "0" { return }
    result.set(name, value)
  }

  private static func refusal(of key: String, in name: String) -> Failure {
    if let reason = refused[key] {
      return .usage("\(name): the JDBC parameter \(key) is not served: \(reason)")
    }
    return .usage(
      "\(name): pgjdbc has no parameter \(URLParts.shown(key))",
      hint: "names are case-sensitive: currentSchema, ApplicationName, sslmode")
  }

  private static func sessionAttributes(_ value: String, _ name: String) throws(Failure) -> String {
    switch value.lowercased() {
    case "any": return "any"
    case "primary", "master": return "primary"
    case "secondary", "slave": return "standby"
    case "preferslave", "prefersecondary": return "prefer-standby"
    default:  // preferPrimary, which libpq does not have, and misspellings
      throw .usage(
        "\(name): this targetServerType is not served",
        hint: "use any, primary, secondary or preferSecondary")
    }
  }

  /// In `options`, a blank and a backslash inside a value have a backslash before them.
  private static func escaped(_ value: String) -> String {
    var result = ""
    for character in value {
      if character == "\\" || character.isWhitespace { result.append("\\") }
      result.append(character)
    }
    return result
  }
}

extension TargetSource {
  fileprivate mutating func addOption(_ option: String) {
    guard !option.isEmpty else { return }
    parameters["options"] = parameters["options"].map { $0 + " " + option } ?? option
  }
}
