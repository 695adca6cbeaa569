import DatabaseTools
import Glibc
import PoolServer

/// The server and user that `DATABASE_URL` or `PG*` name, for a pool whose file names none.
struct PoolServerTarget: Sendable {
  var target: PoolSettings.Target?
  var user: String?
  var database: String?
  var password: Secret?
  var notes: [String] = []

  /// They tune libpq or one session; the pool has its own settings for each, or needs none.
  private static let withoutEffect: Set<String> = [
    "application_name", "fallback_application_name", "client_encoding", "connect_timeout", "keepalives",
    "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "load_balance_hosts",
    "sslcompression", "sslsni", "sslcert", "sslkey", "sslcrl", "sslpassword",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "hostaddr", "gsslib", "krbsrvname", "passfile",
  ]
  /// They are harmless with these values.
  private static let harmless: [String: Set<String>] = [
    "gssencmode": ["disable", "prefer"],
    "target_session_attrs": ["any", "read-write", "primary"],
    "replication": ["false", "off", "no", "0"],
  ]

  /// - Parameter environment: the process's variables.
  /// - Throws: `Failure` for a URL that cannot be understood, or that asks for what is not served.
  static func named(in environment: [String: String]) throws(Failure) -> PoolServerTarget {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    let found = try TargetResolver(flags: TargetFlags(), environment: environment).resolve()
    var result = PoolServerTarget()
    result.notes = found.notes
    result.user = found.user ?? variable("PGUSER")
    result.database = found.database ?? variable("PGDATABASE")
    result.password = found.password ?? variable("PGPASSWORD").map { Secret($0) }
    for (name, value) in found.parameters.sorted(by: { $0.key < $1.key }) {
      if ["sslmode", "sslrootcert", "sslnegotiation", "channel_binding"].contains(name) { continue }
      if withoutEffect.contains(name) {
        if name != "hostaddr" { result.notes.append("\(name) in DATABASE_URL has no effect on the pool") }
      } else if harmless[name]?.contains(value) != true {
        throw notServed("\(name)=\(value) in DATABASE_URL", name)
      }
    }
    let host = found.parameters["hostaddr"] ?? found.host ?? variable("PGHOSTADDR") ?? variable("PGHOST")
    let port = found.port ?? variable("PGPORT") ?? "5432"
    if host == nil, variable("PGSERVICE") != nil {
      throw Failure("PGSERVICE is not served yet", hint: "name the server by DATABASE_URL or PGHOST")
    }
    let somethingIsNamed =
      host != nil || found.database != nil || result.user != nil || variable("PGDATABASE") != nil
    guard somethingIsNamed else { return result }
    var target = try target(host ?? localSocketFolder(), port)
    do throws(PoolValueProblem) {
      try target.encrypt(
        mode: found.parameters["sslmode"] ?? variable("PGSSLMODE"),
        caFile: found.parameters["sslrootcert"] ?? variable("PGSSLROOTCERT") ?? "",
        negotiation: found.parameters["sslnegotiation"] ?? variable("PGSSLNEGOTIATION"))
    } catch {
      throw Failure("sslmode of DATABASE_URL or PGSSLMODE \(error.what)", hint: error.hint)
    }
    if let mode = found.parameters["channel_binding"] ?? variable("PGCHANNELBINDING") {
      guard let known = PoolSettings.ChannelBindingMode(rawValue: mode) else {
        throw Failure("channel_binding is none of disable, prefer, require", hint: "it says \(mode.quoted)")
      }
      target.channelBinding = known
    }
    if found.parameters["hostaddr"] != nil { target.hostName = found.host }
    result.target = target
    return result
  }

  private static func target(_ host: String, _ port: String) throws(Failure) -> PoolSettings.Target {
    guard !host.contains(","), !port.contains(",") else {
      throw Failure(
        "several servers in DATABASE_URL are not served yet",
        hint: "name the one that is written to, the writer")
    }
    guard let number = UInt16(port), number > 0 else {
      throw Failure("the server's port is not a number from 1 to 65535", hint: "see PGPORT")
    }
    return PoolSettings.Target(host: host, port: number)
  }

  /// Where libpq looks when no host is named: Debian builds it with the first, PostgreSQL itself with the second.
  private static func localSocketFolder() -> String {
    access("/var/run/postgresql", F_OK) == 0 ? "/var/run/postgresql" : "/tmp"
  }

  private static func notServed(_ what: String, _ name: String) -> Failure {
    let hint =
      switch name {
      case "gssencmode": "say sslmode=verify-full in its place"
      case "options": "set them for the role: ALTER ROLE … SET …; or send them from the client"
      case "target_session_attrs": "name the host that is written to, the writer"
      case "service": "name the server by host and port"
      // The other names are an open set: libpq's.
      default: "leave it out"
      }
    return Failure("\(what) is not served yet", hint: hint)
  }
}
