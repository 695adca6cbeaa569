/// Who may come in from where and how: rules in the form of pg_hba.conf, of which the first that fits decides.
///
/// Source: PostgreSQL manual, "The pg_hba.conf File"; PgBouncer's manual, "HBA file format".
package struct AccessRules: Equatable, Sendable {
  package enum Method: String, CaseIterable, Equatable, Sendable {
    case scram = "scram-sha-256"
    /// md5 for md5 hashes and plain passwords, SCRAM for verifiers.
    case md5
    /// The common name of the client's certificate is the user.
    case cert
    /// Nothing is asked; only on Unix sockets.
    case trust
    /// The user of the operating system is the user; only on Unix sockets.
    case peer
    case reject
  }

  package enum Connection: String, CaseIterable, Equatable, Sendable {
    case local
    case host
    case hostssl
    case hostnossl
  }

  package enum Name: Equatable, Sendable {
    case all
    /// The database that is called as the user.
    case sameuser
    case replication
    /// As it is written; quoted keywords are names.
    case name([UInt8])
  }

  package struct Rule: Equatable, Sendable {
    /// In the file, from 1.
    package var line: Int
    package var connection: Connection
    package var databases: [Name]
    package var users: [Name]
    /// `nil`: every address.
    package var network: Network?
    package var method: Method
  }

  /// A client that wants to come in.
  package struct Visitor: Sendable {
    package var user: String
    package var database: String
    package var isReplication = false
    /// `nil`: it came by a Unix socket.
    package var address: NetworkAddress?
    package var isEncrypted = false

    package init(user: String, database: String, address: NetworkAddress?, isEncrypted: Bool) {
      self.user = user
      self.database = database
      self.address = address
      self.isEncrypted = isEncrypted
    }
  }

  package let rules: [Rule]

  package init(_ rules: [Rule]) { self.rules = rules }

  /// The first rule that fits; `nil`: nobody has thought of this client, so it is refused.
  package func rule(for visitor: Visitor) -> Rule? {
    rules.first { $0.fits(visitor) }
  }
}

extension AccessRules.Rule {
  package func fits(_ visitor: AccessRules.Visitor) -> Bool {
    switch connection {
    case .local: guard visitor.address == nil else { return false }
    case .host: guard visitor.address != nil else { return false }
    case .hostssl: guard visitor.address != nil, visitor.isEncrypted else { return false }
    case .hostnossl: guard visitor.address != nil, !visitor.isEncrypted else { return false }
    }
    if let network, let address = visitor.address, !network.contains(address) { return false }
    let user = Array(visitor.user.utf8)
    let database = Array(visitor.database.utf8)
    let isForDatabase = databases.contains { name in
      switch name {
      case .all: !visitor.isReplication
      case .replication: visitor.isReplication
      case .sameuser: !visitor.isReplication && user == database
      case .name(let name): !visitor.isReplication && name == database
      }
    }
    return isForDatabase
      && users.contains { name in
        switch name {
        case .all: true
        case .name(let name): name == user
        // Words that mean something for databases only are names here.
        case .sameuser: user == Array("sameuser".utf8)
        case .replication: user == Array("replication".utf8)
        }
      }
  }
}
