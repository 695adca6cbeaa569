/// PgBouncer's userlist.txt: a user and its stored password on a line, each in double quotes; what follows is ignored.
///
/// Source: PgBouncer's manual, "Authentication file format". A quote within quotes is doubled; lines that begin with
/// `;`, and (not in PgBouncer, though people write them) with `#`, are comments.
package struct UserList: Equatable, Sendable {
  package struct User: Equatable, Sendable, CustomStringConvertible {
    package let name: String
    /// As stored; empty: the user has none.
    package let password: String

    /// Without the password, so that no log can hold it.
    package var description: String { "user \(name)" }
  }

  /// In the order of the file; of two lines for one name the last counts.
  package private(set) var users: [User] = []

  /// - Throws: ``AccessFileFault`` for the first line that cannot be understood.
  package init(_ text: String) throws(AccessFileFault) {
    var places: [[UInt8]: Int] = [:]
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      var rest = Array(line.utf8)[...].drop(while: Self.isBlank)
      guard let first = rest.first, first != UInt8(ascii: ";"), first != UInt8(ascii: "#") else { continue }
      guard let name = Self.quoted(&rest), !name.isEmpty else {
        throw AccessFileFault(line: number + 1, what: "a user's name in double quotes was expected")
      }
      rest = rest.drop(while: Self.isBlank)
      guard let password = Self.quoted(&rest) else {
        throw AccessFileFault(line: number + 1, what: "a password in double quotes was expected")
      }
      let user = User(
        name: String(decoding: name, as: UTF8.self), password: String(decoding: password, as: UTF8.self))
      if let place = places[name] {
        users[place] = user
      } else {
        places[name] = users.count
        users.append(user)
      }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// The text in quotes that comes next, or nil when there is none or it does not end.
  private static func quoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    let quote = UInt8(ascii: "\"")
    guard rest.popFirst() == quote else { return nil }
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == quote {
        guard rest.first == quote else { return text }
        rest.removeFirst()
      }
      text.append(byte)
    }
    return nil
  }
}

/// What is wrong with a file of users or rules. It never repeats the line, which may hold a password.
package struct AccessFileFault: Error, Equatable, Sendable {
  /// From 1.
  package let line: Int
  /// A sentence without the place.
  package let what: String

  package init(line: Int, what: String) {
    self.line = line
    self.what = what
  }
}
