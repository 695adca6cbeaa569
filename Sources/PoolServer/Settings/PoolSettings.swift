package import PoolCore

/// Everything that `dbtool pool` can be told (docs/pool.md), as values that have been checked.
///
/// Durations are in milliseconds; 0 turns a limit off.
package struct PoolSettings: Sendable {
  package enum Listener: Equatable, Sendable {
    /// `*` listens on all IPv4 addresses.
    case tcp(host: String, port: UInt16)
    /// A folder; the socket in it is `.s.PGSQL.PORT`, as libpq looks for it.
    case unix(folder: String, port: UInt16)
  }

  /// The server.
  package struct Target: Equatable, Sendable {
    /// A name, an address, or the folder of a Unix socket (it starts with `/`).
    package var host: String
    package var port: UInt16
    package var role = Role.auto
    package var encryption = ServerEncryption.prefer
    /// PEM text with the authorities that may sign the server's certificate; `system`: the system's own.
    package var caFile = ""
    /// The name that the server's certificate must be for, where it is not `host` (libpq's `hostaddr`).
    package var hostName: String?
    package var channelBinding = ChannelBindingMode.prefer
    /// TLS from the first byte, without asking: PostgreSQL 17 and later.
    package var isDirect = false

    /// Whom the certificate must be for.
    package var certificateHost: String { hostName ?? host }

    /// What a target is said to be.
    package enum Role: String, CaseIterable, Sendable {
      /// Whether it takes writes is asked at each login.
      case auto
      case writer
      case reader
    }

    package init(host: String, port: UInt16) {
      self.host = host
      self.port = port
    }
  }

  /// Who may log in, and how the backend is entered.
  package struct User: Sendable, CustomStringConvertible, CustomReflectable {
    package var name: String
    /// Plain, an md5 hash or a SCRAM verifier, as ``StoredPassword`` tells them apart.
    package var password: String
    /// Where the password can be read again.
    package var passwordSource: SecretSource?
    /// The role at the server; the same name when absent.
    package var serverUser: String?
    package var serverPassword: String?
    package var serverPasswordSource: SecretSource?
    /// Backends of this user over all databases; 0 = only the cap.
    package var maxConnections = 0
    /// Stronger than the database's and the pool's.
    package var mode: PoolMode?

    package init(name: String, password: String) {
      self.name = name
      self.password = password
    }

    /// Without the passwords, so that no log and no crash report can hold one.
    package var description: String { "user \(name)" }
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
  }

  /// A database name that clients may use.
  package struct Database: Equatable, Sendable {
    package var name: String
    /// Its name at the server.
    package var target: String
    /// Stronger than the pool's.
    package var mode: PoolMode?
    /// Where its users are looked up, by the name that clients use; stronger than ``PoolSettings/lookupDatabase``.
    package var lookupDatabase: String?

    package init(name: String, target: String) {
      self.name = name
      self.target = target
    }
  }

  /// When a client gives its backend back.
  package enum PoolMode: String, CaseIterable, Sendable {
    /// As soon as no transaction is open and nothing pins it.
    case transaction
    /// When it leaves.
    case session
  }

  /// How the kernel is asked what has come, and told what to send.
  package enum IO: String, CaseIterable, Sendable {
    /// The better one that the kernel allows; see ``autoTakesRing``.
    case auto
    case epoll
    case ring = "io_uring"

    /// Whether ``auto`` takes io_uring where it may, falling back to epoll.
    package static let autoTakesRing = true
  }

  /// Another pool behind the same address, for cancels that come in here.
  package struct Peer: Equatable, Sendable {
    /// Its `pool_id`.
    package var id: Int
    package var host: String
    package var port: UInt16

    package init(id: Int, host: String, port: UInt16) {
      self.id = id
      self.host = host
      self.port = port
    }
  }

  package static let poolIDs = ClientNumbers.pools
  /// Which of several pools this is, one of ``poolIDs``; 0: it is alone.
  package var poolID = 0
  package var peers: [Peer] = []
  package var console = ConsoleSettings()
  package var listeners: [Listener] = [.tcp(host: "127.0.0.1", port: 6432)]
  /// Where /metrics, /livez and /readyz are served; `nil` turns them off.
  package var http: (host: String, port: UInt16)? = (host: "127.0.0.1", port: 9137)
  /// The server; of several, the one that is tried first.
  package var target: Target
  /// The others of which one may be the writer, in the order in which they are tried.
  package var furtherTargets: [Target] = []
  package var targets: [Target] { [target] + furtherTargets }
  /// Whether a server that is in recovery must not be used: of several, or where one is said to be the writer.
  package var needsWriter: Bool { !furtherTargets.isEmpty || target.role == .writer }
  /// Towards clients.
  package var tls = TLS()
  package var users: [User]
  /// PgBouncer's userlist.txt, whose users may log in beside ``users``; empty: none.
  package var authFile = ""
  /// As whom users are looked up who are in no file; empty: nobody is.
  package var lookupUser = ""
  /// The question, with `$1` for the user's name.
  package var lookupQuery = PoolSettings.defaultLookupQuery
  /// Where it is asked, by the name that clients use; empty: in the database that the client asks for.
  package var lookupDatabase = ""
  package static let defaultLookupQuery = "SELECT usename, passwd, valuntil FROM pg_shadow WHERE usename=$1"

  /// Rules in the form of pg_hba.conf; empty: everybody may try a password.
  package var authHBAFile = ""
  /// Whose PROXY headers are believed, as `10.0.0.0/8`; see ``isNetwork(_:)``.
  package var proxyNetworks: [String] = []
  /// Empty: every name is passed through.
  package var databases: [Database] = []

  /// Where the first user is entered to see whether the server answers, while no client has asked for anything;
  /// `nil`: the database of the user's own name, as libpq does.
  package var probeDatabase: String?

  package var poolMode = PoolMode.transaction
  /// Settings pin their client instead of following it (`session_state = "pin"`).
  package var pinsSettings = false
  /// A backend is cleaned only after what may have left something (`session_check = "tokens"`).
  package var trustsTokens = false

  /// Hard cap on backends; `nil`: ``maxConnectionsPercent`` of what the server leaves to ordinary roles.
  package var maxConnections: Int?
  package var maxConnectionsPercent = 100
  /// Of the cap: above it, backends idle for ``serverIdleTimeout`` are closed.
  package var maxIdleConnectionsPercent = 50
  /// Backends that are kept open though nobody needs them.
  package var minConnections = 0
  package var borrowTimeout: UInt64 = 120_000
  package var maxBorrowQueue = 0
  /// After so long a client is told that it waits; 0: never.
  package var borrowNotice: UInt64 = 5_000
  /// Shares of the backends for some clients; none: all are alike.
  package var lanes: [Lane] = []
  package var errorWords = ErrorWords.postgres
  package var maxClientConnections = 10_000
  /// What ``maxClientConnections`` was at the start: tables have places for so many.
  var mostClients = 0
  package var idleClientTimeout: UInt64 = 0
  package var idleTransactionTimeout: UInt64 = 0
  package var queryTimeout: UInt64 = 0
  /// Transactions that take so long, waiting included, are logged; 0: none.
  package var slowTransaction: UInt64 = 0
  package var transactionTimeout: UInt64 = 0
  package var serverIdleTimeout: UInt64 = 300_000
  package var serverLifetime: UInt64 = 3_600_000
  package var connectTimeout: UInt64 = 15_000
  package var loginTimeout: UInt64 = 15_000
  package var tcpUserTimeout: UInt64 = 30_000
  package var failoverHold: UInt64 = 30_000
  package var drainDelay: UInt64 = 0
  package var drainTimeout: UInt64 = 25_000
  package var io = IO.auto
  /// Event loops, each on a thread of its own; all share the cap. 0: one for each processor. At most ``mostThreads``.
  package var threads = 1
  package static let mostThreads = LoopTeam.most
  package var initQuery = ""
  package var maxPreparedStatements = 500
  /// Of the cap: so many clients may keep a backend beyond their transactions, one at least.
  package var maxPinnedPercent = 50

  /// Whether the text is an address or a network.
  package static func isNetwork(_ text: String) -> Bool { Network(text) != nil }

  package init(target: Target, users: [User]) {
    self.target = target
    self.users = users
  }
}
