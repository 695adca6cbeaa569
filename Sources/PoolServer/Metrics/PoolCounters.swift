/// What a loop counts while it works: plain integers, only ever growing, owned by one thread. They wrap rather
/// than trap.
package struct PoolCounters: Sendable {
  package init() {}

  // MARK: Clients

  /// Connections accepted.
  package var clientConnectionsReceived: UInt64 = 0
  /// Logins that ended with the first ReadyForQuery.
  package var clientSetupsSucceeded: UInt64 = 0
  /// Logins refused for a wrong password or an unknown user.
  package var clientSetupsFailedAuthentication: UInt64 = 0
  /// Connections that ended, whoever ended them.
  package var clientConnectionsClosed: UInt64 = 0

  // MARK: Refusals besides wrong passwords

  /// More clients than `max_client_connections`.
  package var clientsRefused: UInt64 = 0
  /// A borrow that would have made the queue longer than `max_borrow_queue`.
  /// Clients refused since all backends were idle in transactions of clients that may wait, too.
  package var nestedRefusals: UInt64 = 0
  package var queueRefusals: UInt64 = 0
  /// No server could be reached.
  package var unreachableRefusals: UInt64 = 0
  /// The pool shuts down.
  package var shutdownRefusals: UInt64 = 0
  /// A database name that is not served.
  package var databaseRefusals: UInt64 = 0
  /// Encryption required or refused by rule.
  package var encryptionRefusals: UInt64 = 0
  /// Refused by `auth_hba_file`.
  package var ruleRefusals: UInt64 = 0
  /// Bytes that are no PostgreSQL message, or a message out of its turn.
  package var protocolViolations: UInt64 = 0
  /// A login that took longer than `login_timeout`.
  package var loginTimeouts: UInt64 = 0

  // MARK: Work

  /// Transactions that ended, a statement outside a block being one.
  package var transactions: UInt64 = 0
  /// Queries: a simple Query message, or an extended batch up to its Sync.
  package var queries: UInt64 = 0
  /// Queries of clients whose connection is encrypted.
  package var encryptedQueries: UInt64 = 0
  /// Backends lent, waited for or not.
  package var borrows: UInt64 = 0
  /// Borrows given up after `borrow_timeout`.
  package var borrowTimeouts: UInt64 = 0
  package var queryTimeouts: UInt64 = 0
  package var transactionTimeouts: UInt64 = 0
  package var idleTransactionTimeouts: UInt64 = 0
  /// Clients pinned to their backend, by reason.
  package var pins = PinCounts()
  /// Batches sent again because DDL had made a prepared statement's plan stale.
  package var stalePlans: UInt64 = 0
  /// Queries sent again, since their backend ended before it did anything for them.
  package var repeats: UInt64 = 0
  /// Clients that went on without the backend that they had lost in the middle.
  package var losses: UInt64 = 0
  /// Cancel requests passed on to the pool whose client they meant.
  package var cancelsPassedOn: UInt64 = 0
  /// Cancel requests passed on to the server.
  package var cancelsForwarded: UInt64 = 0
  package var bytesToServer: UInt64 = 0
  package var bytesToClients: UInt64 = 0

  // MARK: Backends

  /// Connects begun.
  package var backendConnects: UInt64 = 0
  /// Connects begun that ask for encryption.
  package var encryptedBackendConnects: UInt64 = 0
  /// Backends logged in.
  package var backendConnectsSucceeded: UInt64 = 0
  /// Connects or logins that failed.
  package var backendConnectsFailed: UInt64 = 0
  /// Backends that ended after their login, whoever ended them.
  package var backendsClosed: UInt64 = 0
  /// Times a backend's session state was reset before another client got it.
  package var cleanings: UInt64 = 0

  // MARK: Times

  /// From asking for a backend to having one; 0 when one was free. Timeouts are not in it.
  package var borrowWait = Histogram()
  /// From a transaction's getting its backend to its last answer; the wait for it is ``borrowWait``.
  package var transactionTime = Histogram()
  /// From a query's arrival at the pool to its last answer, waiting included.
  package var queryTime = Histogram()
  /// From handing a query to the server to its last answer.
  package var serverTime = Histogram()
  /// From a client's connection to the end of its login; those that failed are not in it.
  package var loginTime = Histogram()
  /// From the begin of a backend's connect to its being ready for clients; those that failed are not in it.
  package var backendConnectTime = Histogram()
}
