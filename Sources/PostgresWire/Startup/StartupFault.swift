/// What is wrong with the first packet of a connection. Each ends the connection.
package enum StartupFault: Error, Equatable, Sendable {
  /// The length word, which counts itself, is impossible for what the packet says it is.
  case length(Int)

  /// A StartupMessage of a protocol other than 3.x.
  case unsupportedProtocol(major: Int, minor: Int)

  /// The names and values are not texts that end in zero bytes, closed by one more zero byte.
  case layout

  /// The name of the user, the database or a parameter is not UTF-8, so it could not be told apart from
  /// another such name. (Values of parameters may be anything.)
  case nameNotUTF8

  /// The sentence for the client, in PostgreSQL's words where it has them.
  package var message: String {
    switch self {
    case .length: "invalid length of startup packet"
    case .unsupportedProtocol(let major, let minor):
      "unsupported frontend protocol \(major).\(minor): server supports 3.0 to 3.2"
    case .layout: "invalid startup packet layout: expected terminator as last byte"
    case .nameNotUTF8: "a name in the startup packet is not valid UTF-8"
    }
  }

  /// The SQLSTATE that goes with ``message``.
  package var sqlState: String {
    switch self {
    case .length, .layout: "08P01"
    case .unsupportedProtocol: "0A000"
    case .nameNotUTF8: "22021"
    }
  }
}
