/// A StartupMessage: who wants to enter which database, with which settings.
///
/// Source: PostgreSQL manual, "Message Formats", StartupMessage.
package struct StartupRequest: Equatable, Sendable {
  /// Always 3: another one is refused as ``StartupFault/unsupportedProtocol(major:minor:)``.
  package var protocolMajor: Int

  /// What the client asks for. One above ``newestMinor`` is answered with NegotiateProtocolVersion.
  package var protocolMinor: Int

  /// The newest protocol that is spoken with clients: 3.2, whose cancel keys are longer than 3.0's. (Nobody speaks
  /// 3.1; who asks for it gets 3.0.)
  package static let newestMinor = 2

  /// Every parameter but the `_pq_.` ones, each name once: of duplicates the last value wins, as in
  /// PostgreSQL.
  package var parameters: [StartupParameter]

  /// The names of the `_pq_.` protocol options, none of which is known here. Together with the minor version
  /// they decide whether NegotiateProtocolVersion is owed.
  package var unknownProtocolOptions: [String]

  /// The packet's size in bytes: what follows it belongs to the next message.
  package var packetLength: Int

  package init(
    protocolMajor: Int = 3, protocolMinor: Int, parameters: [StartupParameter],
    unknownProtocolOptions: [String] = [], packetLength: Int = 0
  ) {
    self.protocolMajor = protocolMajor
    self.protocolMinor = protocolMinor
    self.parameters = parameters
    self.unknownProtocolOptions = unknownProtocolOptions
    self.packetLength = packetLength
  }

  /// The user's name; empty when the client gave none, which PostgreSQL refuses with 28000.
  package var user: String { text(of: "user") ?? "" }

  /// The database's name. Absent or empty it is the user's name, as in PostgreSQL.
  package var database: String {
    guard let database = text(of: "database"), !database.isEmpty else { return user }
    return database
  }

  /// The value of the parameter called `name`, or nil when the client did not give it.
  package func value(of name: String) -> [UInt8]? {
    parameters.first { $0.name == name }?.value
  }

  private func text(of name: String) -> String? {
    value(of: name).map { String(decoding: $0, as: UTF8.self) }
  }
}
