import PoolCore
import PoolServer

/// Every key that `dbtool pool` knows. Flags, variables, the file's check, `--help` and docs/pool.md follow this table.
enum PoolKeys {
  /// The largest `max_connections` a PostgreSQL server can have. Source: PostgreSQL manual, "Connections and
  /// Authentication".
  private static let mostBackends = 262_143
  private static let percent = 0...100
  private static let anyCount = 0...1_000_000

  /// `[pool]`, `[pool.tls]` and `[pool.fleet]`: file, variable and flag.
  static let scalars: [PoolKey] = [
    // MARK: Where clients come in
    PoolKey(
      "listen", .list, "127.0.0.1:6432", "Where clients connect: host:port, [::1]:port or unix:/folder."),
    PoolKey(
      "http_listen", .text(), "127.0.0.1:9137",
      "Where the status page, /metrics, /livez and /readyz are; empty turns them off."),
    PoolKey(
      "max_client_connections", .count(1...1_000_000, .init(\.maxClientConnections)), "10000",
      "Client connections at once; one more is refused with SQLSTATE 53300."),
    PoolKey(
      "login_timeout", .duration(.init(\.loginTimeout)), "15s", "How long a client may take to log in."),
    PoolKey(
      "idle_client_timeout", .duration(.init(\.idleClientTimeout)), "0s",
      "A client that asks nothing for so long is disconnected."),
    PoolKey(
      "idle_transaction_timeout", .duration(.init(\.idleTransactionTimeout)), "0s",
      "A client that leaves a transaction open and idle for so long is disconnected."),
    PoolKey(
      "tcp_user_timeout", .duration(.init(\.tcpUserTimeout)), "30s",
      "A peer that acknowledges nothing for so long is gone; both sides."),

    PoolKey(
      "pool_id", .count(PoolSettings.poolIDs, .init(\.poolID)), "0",
      "Which of several pools behind one address this is, for cancels; 0 = it is alone."),

    // MARK: Who may log in
    PoolKey(
      "auth_file", .text(.init(\.authFile)), "",
      "Users beside [[pool.users]], as PgBouncer's userlist.txt has them; read again when it changes."),
    PoolKey(
      "auth_user", .text(.init(\.lookupUser)), "",
      "As whom users are looked up at the server who are in no file; empty: nobody is."),
    PoolKey(
      "auth_query", .text(.init(\.lookupQuery)), PoolSettings.defaultLookupQuery,
      "How: a query for user, stored password and, if it likes, its end; $1 is the name."),
    PoolKey(
      "auth_dbname", .text(.init(\.lookupDatabase)), "",
      "Where: a database by the name that clients use; empty: the one that the client asks for."),
    PoolKey(
      "auth_hba_file", .text(.init(\.authHBAFile)), "",
      "Who may come in from where and how, in the form of pg_hba.conf; empty: everybody, by password."),
    PoolKey(
      "proxy_protocol_networks", .list, "",
      "Networks of load balancers whose PROXY headers are believed, as 10.0.0.0/8."),

    // MARK: Backends
    PoolKey(
      "max_connections", .optionalCount(1...mostBackends, .init(\.maxConnections)), nil,
      "Hard cap on backends over all users and databases. Absent: max_connections_percent decides."),
    PoolKey(
      "max_connections_percent", .count(1...100, .init(\.maxConnectionsPercent)), "100",
      "The cap, as a share of what the server leaves to ordinary roles."),
    PoolKey(
      "max_idle_connections_percent", .count(percent, .init(\.maxIdleConnectionsPercent)), "50",
      "Share of the cap above which backends idle for server_idle_timeout are closed."),
    PoolKey(
      "min_connections", .count(0...mostBackends, .init(\.minConnections)), "0",
      "Backends kept open though nobody needs them: of the first user, in the first database."),
    PoolKey(
      "server_idle_timeout", .duration(.init(\.serverIdleTimeout)), "5m",
      "When an idle backend may be closed."),
    PoolKey(
      "server_lifetime", .duration(.init(\.serverLifetime)), "1h",
      "A backend older than this, less up to a tenth, is closed once nobody has it."),
    PoolKey(
      "connect_timeout", .duration(.init(\.connectTimeout)), "15s",
      "For a backend's connect and login together."),
    PoolKey("init_query", .text(.init(\.initQuery)), "", "SQL that runs once on each new backend."),
    PoolKey(
      "max_prepared_statements", .count(1...anyCount.upperBound, .init(\.maxPreparedStatements)), "500",
      "Prepared statements kept on each backend."),

    // MARK: Borrowing
    PoolKey(
      "pool_mode", .choice(["transaction", "session"]), "transaction",
      "When a backend is given back: after each transaction, or when its client leaves."),
    PoolKey(
      "borrow_timeout", .duration(.init(\.borrowTimeout)), "120s",
      "How long a query waits for a backend before it fails with SQLSTATE 53300; 0 waits for ever."),
    PoolKey(
      "borrow_notice", .duration(.init(\.borrowNotice)), "5s",
      "After so long a waiting client gets a NOTICE that it waits, and for whom; 0 = never."),
    PoolKey(
      "max_borrow_queue", .count(anyCount, .init(\.maxBorrowQueue)), "0",
      "Clients that may wait at once; one more is refused. 0 = no limit."),
    PoolKey(
      "failover_hold", .duration(.init(\.failoverHold)), "30s",
      "How long clients wait while no server is reachable; never longer than borrow_timeout."),
    PoolKey(
      "max_replica_lag", .duration(), "1s", "How far behind a reader may be.",
      only: ["1000"], hint: "readers are not served yet; leave it out"),
    PoolKey(
      "query_timeout", .duration(.init(\.queryTimeout)), "0s",
      "A query that runs for so long is cancelled; its client gets SQLSTATE 57014."),
    PoolKey(
      "transaction_timeout", .duration(.init(\.transactionTimeout)), "0s",
      "A client whose transaction lasts for so long is disconnected; the transaction is rolled back."),

    // MARK: Session state
    PoolKey(
      "session_state", .choice(["replay", "pin"]), "replay",
      "What becomes of a client's settings: they follow it, or they pin it to its backend."),
    PoolKey(
      "session_check", .choice(["always", "tokens"]), "always",
      "When a backend is cleaned before another client; tokens: only after statements that may have left something."
    ),
    PoolKey(
      "max_pinned_percent", .count(percent, .init(\.maxPinnedPercent)), "50",
      "Share of the cap that pinned clients may hold; one may always."),

    // MARK: The process
    PoolKey(
      "threads", .count(0...PoolSettings.mostThreads, .init(\.threads)), "1",
      "Event loops, which share one cap and one order of waiting; 0 = one for each processor."),
    PoolKey(
      "io", .choice(PoolSettings.IO.allCases.map(\.rawValue)), "auto",
      "How the kernel is asked: epoll or io_uring;"
        + " auto is io_uring where the kernel allows it (Linux 6.1 or later)."),
    PoolKey(
      "slow_transaction", .duration(.init(\.slowTransaction)), "0s",
      "A transaction that takes so long, waiting included, is logged with where its time went; 0 = off."),
    PoolKey("log_format", .choice(["text", "json"]), "text", "How the log on stderr is written."),
    PoolKey(
      "drain_delay", .duration(.init(\.drainDelay)), "0s",
      "After SIGTERM: /readyz says 503 and clients are still taken, for so long."),
    PoolKey(
      "drain_timeout", .duration(.init(\.drainTimeout)), "25s",
      "Then: how long running transactions may take to end."),
    PoolKey(
      "sqlstate_compat", .choice(ErrorWords.allCases.map(\.rawValue)), "postgres",
      "In whose words clients are refused: PostgreSQL's, RDS Proxy's (08000), or PgBouncer's (08P01, which end the connection)."
    ),
    PoolKey(
      "admin_users", .list, "",
      "Who may run the console; besides, whoever the pool runs as, over the Unix socket."),
    PoolKey("stats_users", .list, "", "Who may only SHOW at the console."),

    // MARK: [pool.tls], towards clients
    PoolKey(
      "tls.mode", .choice(["disable", "allow", "require", "verify-ca", "verify-full"]), "disable",
      "Encryption towards clients; verify-ca and verify-full ask them for a certificate."),
    PoolKey(
      "tls.cert_file", .text(.init(\.tls.certFile)), "",
      "The certificate shown to clients, with its chain; PEM."),
    PoolKey("tls.key_file", .text(.init(\.tls.keyFile)), "", "Its private key, without a passphrase; PEM."),
    PoolKey(
      "tls.ca_file", .text(.init(\.tls.caFile)), "",
      "Whose certificates clients may show; for verify-ca and verify-full."),

    // MARK: [pool.fleet], many pools with one budget
    PoolKey(
      "fleet.enabled", .toggle, "false", "Whether pools of one name share max_connections.",
      only: ["false"], hint: "give each pool its part by max_connections"),
    PoolKey("fleet.name", .text(), "shop", "The fleet's name; without effect while fleet.enabled is false."),
  ]

  /// `[[pool.targets]]`: the file only.
  static let target: [PoolKey] = [
    PoolKey("host", .text(), nil, "A name, an address, or the folder of a Unix socket. Required."),
    PoolKey("port", .count(1...65_535), "5432", "The server's port."),
    PoolKey(
      "role", .choice(["writer", "reader", "auto"]), "auto",
      "What the server is; auto asks it. Of several targets, the one that takes writes is used.",
      only: ["writer", "auto"], hint: "name the writer's host; readers are not served yet"),
    PoolKey(
      "sslmode", .choice(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]), "prefer",
      "Encryption towards the server, in libpq's words."),
    PoolKey(
      "ca_file", .text(), "",
      "Whose certificate the server may show, PEM; \"system\" trusts whom the system trusts."),
  ]

  /// `[[pool.users]]`: the file only.
  static let user: [PoolKey] = [
    PoolKey("name", .text(), nil, "Who may log in. Required, unless secret_file says it."),
    PoolKey(
      "password", .text(), nil,
      "The password, plain or as pg_authid stores it (md5…, SCRAM-SHA-256$…); or one of the next two."),
    PoolKey("password_file", .text(), nil, "A file with the password as its only line."),
    PoolKey(
      "secret_file", .text(), nil, "A JSON file with username and password, as AWS Secrets Manager stores it."
    ),
    PoolKey(
      "max_connections", .count(0...mostBackends), "0",
      "Backends of this user over all databases; 0 = only the cap."),
    PoolKey("server_user", .text(), nil, "The role at the server, when it is another."),
    PoolKey("server_password_file", .text(), nil, "The password at the server, when it is another."),
    PoolKey(
      "pool_mode", .choice(["transaction", "session"]), "transaction", "As pool_mode, for this user."),
  ]

  /// `[[pool.databases]]`: the file only.
  static let database: [PoolKey] = [
    PoolKey("name", .text(), nil, "The name that clients use. Required."),
    PoolKey("target_database", .text(), nil, "Its name at the server; the same when absent."),
    PoolKey(
      "role", .choice(["writer", "reader"]), "writer", "Which servers it goes to.",
      only: ["writer"], hint: "leave role out; readers are not served yet"),
    PoolKey(
      "pool_mode", .choice(["transaction", "session"]), "transaction", "As pool_mode, for this database."),
    PoolKey("auth_dbname", .text(), nil, "As auth_dbname, for this database."),
  ]

  /// `[[pool.lanes]]`: the file only.
  static let lane: [PoolKey] = [
    PoolKey("name", .text(), nil, "What logs and errors call it. Required."),
    PoolKey(
      "application_name", .text(), nil,
      "Whose clients: this application_name at login; * stands for anything."),
    PoolKey("user", .text(), nil, "And this user."),
    PoolKey("database", .text(), nil, "And this database, by the clients' name for it."),
    PoolKey(
      "reserved", .count(0...mostBackends), "0", "Backends kept for the lane, whether it needs them or not."),
    PoolKey("max_connections", .count(0...mostBackends), "0", "It never has more; 0 = only the cap."),
    PoolKey(
      "weight", .count(1...1_000), "1",
      "Its part of what is not reserved, beside other lanes whose clients wait."),
  ]

  /// `[[pool.peers]]`: the file only.
  static let peer: [PoolKey] = [
    PoolKey(
      "pool_id", .count(1...PoolSettings.poolIDs.upperBound), nil, "The other pool's pool_id. Required."),
    PoolKey("host", .text(), nil, "Its name, address, or the folder of its Unix socket. Required."),
    PoolKey("port", .count(1...65_535), "6432", "Its port for clients."),
  ]

  /// The scalar of that name.
  static func scalar(_ name: String) -> PoolKey {
    guard let key = scalars.first(where: { $0.name == name }) else { preconditionFailure("no key \(name)") }
    return key
  }
}
