/// A password as it is kept: in the clear, or in one of the two forms of `pg_authid.rolpassword` and of PgBouncer's
/// userlist.txt.
///
/// Source: PostgreSQL's `get_password_type`: what has the prefix of a form and not its shape is a plain password.
package enum StoredPassword: Equatable, Sendable, CustomStringConvertible {
  case plain(String)
  /// The 32 hexadecimal digits behind `md5`: the hash of password and role name.
  case md5(String)
  case scram(ScramVerifier)

  package init(_ text: String) {
    let digits = text.utf8.dropFirst(3)
    if text.utf8.count == 35, text.utf8.starts(with: "md5".utf8), digits.allSatisfy(Self.isHexDigit) {
      self = .md5(String(decoding: digits, as: UTF8.self))
    } else if let verifier = ScramVerifier(text) {
      self = .scram(verifier)
    } else {
      self = .plain(text)
    }
  }

  /// The kind only, so that no log can hold the password.
  package var description: String {
    switch self {
    case .plain: "a plain password"
    case .md5: "an md5 hash"
    case .scram: "a SCRAM verifier"
    }
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
