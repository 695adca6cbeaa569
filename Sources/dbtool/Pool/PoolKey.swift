import PoolServer

/// One key of the configuration: what it is called in the three places it can be given, what it takes, and what it
/// is when nobody says.
struct PoolKey: Sendable {
  /// The field of the settings that a key fills.
  struct Field<Value>: Sendable {
    let path: any WritableKeyPath<PoolSettings, Value> & Sendable

    init(_ path: any WritableKeyPath<PoolSettings, Value> & Sendable) { self.path = path }
  }

  /// What a key takes, and the field of the settings that it fills, where it fills just one.
  enum Kind: Sendable {
    case text(Field<String>? = nil)
    /// Milliseconds in the settings; 0 = no limit.
    case duration(Field<UInt64>? = nil)
    case count(ClosedRange<Int>, Field<Int>? = nil)
    /// A count that may be absent.
    case optionalCount(ClosedRange<Int>, Field<Int?>)
    case choice([String])
    case toggle
    /// Several texts; in flags and variables with commas between them.
    case list
  }

  /// The values that this version serves; what else is valid is refused by name.
  struct Limit: Sendable {
    /// As ``PoolValue/plainText`` has them.
    let values: [String]
    let hint: String
  }

  /// The key in the file: `borrow_timeout`, in a table of its own `tls.cert_file`.
  let name: String
  let kind: Kind
  /// As it would be typed in a variable; `nil` when the key is absent by default.
  let fallback: String?
  /// One line for `--help` and the manual.
  let meaning: String
  let limit: Limit?

  init(
    _ name: String, _ kind: Kind, _ fallback: String?, _ meaning: String, only values: [String]? = nil,
    hint: String = ""
  ) {
    self.name = name
    self.kind = kind
    self.fallback = fallback
    self.meaning = meaning
    limit = values.map { Limit(values: $0, hint: hint) }
  }

  /// Without the two dashes: `borrow-timeout`, `tls-cert-file`.
  var flag: String { String(name.map { $0 == "_" || $0 == "." ? "-" : $0 }) }

  /// `DBTOOL_POOL_BORROW_TIMEOUT`, `DBTOOL_POOL_TLS_CERT_FILE`.
  var variable: String { Self.variablePrefix + String(name.map { $0 == "." ? "_" : $0 }).uppercased() }

  static let variablePrefix = "DBTOOL_POOL_"
}

/// A value that fits its key.
enum PoolValue: Equatable, Sendable {
  case text(String)
  case milliseconds(UInt64)
  case count(Int)
  case toggle(Bool)
  case list([String])

  /// For comparing with what a version serves: durations in milliseconds, lists with commas.
  var plainText: String {
    switch self {
    case .text(let text): text
    case .milliseconds(let value): String(value)
    case .count(let value): String(value)
    case .toggle(let value): String(value)
    case .list(let values): values.joined(separator: ",")
    }
  }
}

/// Why a value does not fit its key; the caller says where it stood.
struct PoolValueProblem: Error, Equatable {
  /// Continues a sentence that begins with the key: `takes a duration, not "soon"`.
  let what: String
  var hint: String?
}
