/// What becomes of each key of PgBouncer's configuration.
/// Source: PgBouncer's manual, "config", from 1.18 to 1.25.
enum PgBouncerKeys {
  enum Fate: Equatable, Sendable {
    /// A key here, with the value as it is: a number, a text, or a list with commas.
    case same(String)
    /// A key here that is a duration; PgBouncer's is in seconds.
    case seconds(String)
    /// A duration that is in milliseconds with PgBouncer, too.
    case milliseconds(String)
    /// Read together with others, see ``PgBouncerConversion``: what it becomes.
    case together(String)
    /// It may be left out: why.
    case needless(String)
    /// Something will be different: what.
    case different(String)
  }

  /// Of `[pgbouncer]`.
  static let main: [String: Fate] = [
    // Where clients come in
    "listen_addr": .together("listen"),
    "listen_port": .together("listen"),
    "unix_socket_dir": .together("listen, as unix:FOLDER"),
    "unix_socket_mode": .different(
      "the socket is open to all, as PostgreSQL's is; its folder's mode decides"),
    "unix_socket_group": .different(
      "the socket is open to all, as PostgreSQL's is; its folder's mode decides"),
    "max_client_conn": .same("max_client_connections"),
    "client_login_timeout": .seconds("login_timeout"),
    "client_idle_timeout": .seconds("idle_client_timeout"),
    "listen_backlog": .needless("it is 4096"),
    "so_reuseport": .different("one process has several loops: threads"),
    "tcp_defer_accept": .needless("who says nothing is disconnected after login_timeout"),
    "peer_id": .same("pool_id"),
    // Who may log in
    "auth_type": .together(
      "nothing for md5 and scram-sha-256; hba: auth_hba_file; cert: tls.mode = verify-full with a rule"),
    "auth_file": .same("auth_file"),
    "auth_hba_file": .together("auth_hba_file, where auth_type is hba"),
    "auth_user": .same("auth_user"),
    "auth_query": .same("auth_query"),
    "auth_dbname": .same("auth_dbname"),
    "auth_ident_file": .different("maps of names are not served"),
    "auth_ldap_options": .different("LDAP is not served"),
    "scram_iterations": .needless("a verifier has its own"),
    "admin_users": .same("admin_users"),
    "stats_users": .same("stats_users"),
    // Backends
    "pool_mode": .together("pool_mode; statement becomes transaction"),
    "default_pool_size": .together(
      "its part of max_connections, which is one cap over all users and databases"),
    "max_db_connections": .together("its part of max_connections"),
    "reserve_pool_size": .together("its part of max_connections"),
    "reserve_pool_timeout": .needless(
      "there is no reserve: all of max_connections is there from the beginning"),
    "min_pool_size": .different("backends are opened when clients need them"),
    "max_user_connections": .different("max_connections of [[pool.users]] limits the backends of one user"),
    "max_user_client_connections": .different(
      "clients are limited by max_client_connections only, all together"),
    "max_db_client_connections": .different(
      "clients are limited by max_client_connections only, all together"),
    "server_round_robin": .needless("the backend that needs least cleaning is lent first"),
    "server_idle_timeout": .seconds("server_idle_timeout"),
    "server_lifetime": .together("server_lifetime; 0 turns it off here"),
    "server_connect_timeout": .seconds("connect_timeout"),
    "server_login_retry": .needless("the pool tries again at most every 250 ms"),
    "server_reset_query": .needless("a backend is cleaned before another client gets it"),
    "server_reset_query_always": .needless("a backend is cleaned before another client gets it"),
    "server_check_delay": .needless("a query whose backend has gone is sent to another one"),
    "server_check_query": .needless("a query whose backend has gone is sent to another one"),
    "server_fast_close": .needless("a backend is closed once its transaction has ended"),
    "query_wait_timeout": .seconds("borrow_timeout"),
    "query_wait_notify": .seconds("borrow_notice"),
    "login_notify_message": .different("clients are not greeted"),
    "pool_idle_timeout": .needless("what is idle is closed after server_idle_timeout"),
    "query_timeout": .seconds("query_timeout"),
    "transaction_timeout": .seconds("transaction_timeout"),
    "idle_transaction_timeout": .seconds("idle_transaction_timeout"),
    "cancel_wait_timeout": .needless("a cancel waits for its backend only"),
    "suspend_timeout": .needless("there is no SUSPEND"),
    "autodb_idle_timeout": .needless("what is idle is closed after server_idle_timeout"),
    "max_prepared_statements": .together("max_prepared_statements; 0 is not served"),
    "disable_pqexec": .different("several statements in one query are served"),
    "application_name_add_host": .different("the client's address is in the log and on the status page"),
    "ignore_startup_parameters": .needless("all settings are taken, and follow their client"),
    "track_extra_parameters": .needless("all settings follow their client"),
    // Encryption
    "client_tls_sslmode": .together("tls.mode; prefer becomes allow, verify-full verify-ca"),
    "client_tls_key_file": .together("tls.key_file"),
    "client_tls_cert_file": .together("tls.cert_file"),
    "client_tls_ca_file": .together("tls.ca_file"),
    "client_tls_protocols": .needless("TLS 1.2 and 1.3"),
    "client_tls_ciphers": .different("OpenSSL's configuration decides"),
    "client_tls13_ciphers": .different("OpenSSL's configuration decides"),
    "client_tls_ecdhcurve": .different("OpenSSL's configuration decides"),
    "client_tls_dheparams": .different("OpenSSL's configuration decides"),
    "server_tls_sslmode": .together("sslmode of [[pool.targets]]"),
    "server_tls_ca_file": .together("ca_file of [[pool.targets]]"),
    "server_tls_key_file": .different("the pool shows the server no certificate"),
    "server_tls_cert_file": .different("the pool shows the server no certificate"),
    "server_tls_protocols": .needless("TLS 1.2 and 1.3"),
    "server_tls_ciphers": .different("OpenSSL's configuration decides"),
    "server_tls13_ciphers": .different("OpenSSL's configuration decides"),
    // The network
    "tcp_user_timeout": .milliseconds("tcp_user_timeout"),
    "tcp_keepalive": .needless("always on"),
    "tcp_keepcnt": .needless("tcp_user_timeout decides"),
    "tcp_keepidle": .needless("tcp_user_timeout decides"),
    "tcp_keepintvl": .needless("tcp_user_timeout decides"),
    "tcp_socket_buffer": .needless("the system decides"),
    "pkt_buf": .needless("each loop has one buffer"),
    "max_packet_size": .needless("messages of any size pass"),
    "sbuf_loopcnt": .needless("nobody has the loop for himself"),
    "dns_max_ttl": .needless("names are looked up again when the server cannot be reached"),
    "dns_nxdomain_ttl": .needless("names are looked up again when the server cannot be reached"),
    "dns_zone_check_period": .needless("names are looked up again when the server cannot be reached"),
    "resolv_conf": .needless("the system decides"),
    // The process
    "logfile": .needless("the log goes to stderr"),
    "syslog": .needless("the log goes to stderr"),
    "syslog_ident": .needless("the log goes to stderr"),
    "syslog_facility": .needless("the log goes to stderr"),
    "pidfile": .needless("whoever starts the pool knows its number"),
    "user": .needless("whoever starts the pool says as whom"),
    "log_connections": .different("logins are counted; the log has those that fail"),
    "log_disconnections": .different("logins are counted; the log has those that fail"),
    "log_pooler_errors": .needless("the log has them"),
    "log_stats": .needless("/metrics has them"),
    "stats_period": .needless("/metrics has them"),
    "verbose": .needless("--verbose"),
    "job_name": .needless("it is for services of Windows"),
    "service_name": .needless("it is for services of Windows"),
    "conffile": .needless("--config"),
  ]

  /// Of an entry of `[databases]`.
  static let database: [String: Fate] = [
    "dbname": .together("target_database"),
    "host": .together("host of [[pool.targets]]; several become several targets"),
    "port": .together("port of [[pool.targets]]"),
    "pool_mode": .together("pool_mode; statement becomes transaction"),
    "pool_size": .together("its part of max_connections"),
    "reserve_pool": .together("its part of max_connections"),
    "reserve_pool_size": .together("its part of max_connections"),
    "max_db_connections": .together("its part of max_connections"),
    "auth_dbname": .together("auth_dbname"),
    "connect_query": .together("init_query, where all databases have the same"),
    "user": .different(
      "server_user of [[pool.users]] says as whom a user is at the server, in all databases"),
    "password": .different("server_password_file of [[pool.users]] has it, for all databases"),
    "auth_user": .different("auth_user is one for all databases"),
    "auth_query": .different("auth_query is one for all databases"),
    "min_pool_size": .different("backends are opened when clients need them"),
    "max_db_client_connections": .different(
      "clients are limited by max_client_connections only, all together"),
    "server_lifetime": .different("server_lifetime is one for all databases"),
    "query_wait_timeout": .different("borrow_timeout is one for all databases"),
    "target_session_attrs": .different("the server that takes writes is used; readers are not served yet"),
    "load_balance_hosts": .different("of several targets the one that takes writes is used"),
    "client_encoding": .different("ALTER DATABASE … SET client_encoding at the server does it"),
    "datestyle": .different("ALTER DATABASE … SET datestyle at the server does it"),
    "timezone": .different("ALTER DATABASE … SET timezone at the server does it"),
    "application_name": .different("each client has its own"),
  ]

  /// Of an entry of `[users]`.
  static let user: [String: Fate] = [
    "pool_mode": .same("pool_mode"),
    "max_user_connections": .same("max_connections"),
    "pool_size": .different("max_connections limits the backends of one user over all databases"),
    "reserve_pool_size": .needless("there is no reserve: all of max_connections is there from the beginning"),
    "max_user_client_connections": .different(
      "clients are limited by max_client_connections only, all together"),
    "query_timeout": .different("query_timeout is one for all users"),
    "transaction_timeout": .different("transaction_timeout is one for all users"),
    "idle_transaction_timeout": .different("idle_transaction_timeout is one for all users"),
    "client_idle_timeout": .different("idle_client_timeout is one for all users"),
  ]
}
