import PostgresWire
import Testing

/// The exchange of RFC 7677, section 3: user "user", password "pencil".
private enum Vector {
  static let clientNonce = "rOprNGfwEbeRWgbNEkqO"
  static let serverNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
  static let nonce = clientNonce + serverNonce
  static let salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
  static let clientFirst = "n,,n=user,r=\(clientNonce)"
  static let serverFirst = "r=\(nonce),s=\(salt),i=4096"
  static let clientFinal = "c=biws,r=\(nonce),p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
  static let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
}

@Suite("SCRAM-SHA-256 exchanges")
struct ScramExchangeTests {
  private func verifier(
    _ password: String = "pencil", iterations: Int = 2
  ) throws -> ScramVerifier {
    try ScramVerifier(
      password: password, salt: Array(repeating: 7, count: 16), iterations: iterations, hash: .plain)
  }

  /// Runs both sides against each other, to the server's final message.
  private func exchange(
    _ client: inout ScramClient, _ server: inout ScramServer
  ) throws {
    let serverFirst = try server.receivedFirst(mechanism: client.mechanism, message: client.clientFirst())
    let serverFinal = try server.receivedFinal(try client.received(serverFirst: serverFirst))
    try client.received(serverFinal: serverFinal)
  }

  private func client(_ password: String, _ binding: ChannelBinding = .none) -> ScramClient {
    ScramClient(password: password, clientNonce: "client", channelBinding: binding, hash: .plain)
  }

  @Test("the client says what RFC 7677 says")
  func clientVector() throws {
    var client = ScramClient(password: "pencil", clientNonce: Vector.clientNonce, user: "user", hash: .plain)
    #expect(client.mechanism == "SCRAM-SHA-256")
    #expect(client.clientFirst() == ascii(Vector.clientFirst))
    #expect(try client.received(serverFirst: ascii(Vector.serverFirst)) == ascii(Vector.clientFinal))
    #expect(!client.hasVerifiedServer)
    try client.received(serverFinal: ascii(Vector.serverFinal))
    #expect(client.hasVerifiedServer)
  }

  @Test("the server says what RFC 7677 says, and knows the client's key then")
  func serverVector() throws {
    let salt = try #require(Base64.decoded(Vector.salt.utf8))
    let verifier = try ScramVerifier(password: "pencil", salt: salt, hash: .plain)
    var server = ScramServer(verifier: verifier, serverNonce: Vector.serverNonce, hash: .plain)
    let first = try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii(Vector.clientFirst))
    #expect(first == ascii(Vector.serverFirst))
    #expect(server.clientKey == nil)
    #expect(try server.receivedFinal(ascii(Vector.clientFinal)) == ascii(Vector.serverFinal))
    #expect(SHA256.hash(try #require(server.clientKey)) == verifier.storedKey)
  }

  @Test("both sides agree", arguments: ["pencil", "", "pässwörd", "a,b=c", "grin😀"])
  func agree(password: String) throws {
    var client = client(password)
    var server = ScramServer(verifier: try verifier(password), serverNonce: "server", hash: .plain)
    try exchange(&client, &server)
    #expect(client.hasVerifiedServer && server.clientKey == client.keys?.clientKey)
  }

  @Test("the keys of one login are enough for the next")
  func keysAlone() throws {
    var first = client("pencil")
    var server = ScramServer(verifier: try verifier(), serverNonce: "one", hash: .plain)
    try exchange(&first, &server)
    let keys = try #require(first.keys)
    var second = ScramClient(keys: keys, of: try verifier(), clientNonce: "other", hash: .plain)
    server = ScramServer(verifier: try verifier(), serverNonce: "two", hash: .plain)
    try exchange(&second, &server)
    #expect(second.hasVerifiedServer)
  }

  @Test("the keys open nothing that has another salt or iteration count")
  func otherSecret() throws {
    let keys = ScramKeys(clientKey: Array(repeating: 1, count: 32), serverKey: Array(repeating: 2, count: 32))
    var client = ScramClient(keys: keys, of: try verifier(iterations: 3), clientNonce: "client", hash: .plain)
    var server = ScramServer(verifier: try verifier(), serverNonce: "server", hash: .plain)
    let first = try server.receivedFirst(mechanism: client.mechanism, message: client.clientFirst())
    #expect(throws: ScramError.otherVerifier) { try client.received(serverFirst: first) }
  }

  @Test("while a password changes the one before it counts, too", arguments: ["new", "old", "other"])
  func change(password: String) throws {
    var client = client(password)
    var server = ScramServer(
      verifier: try verifier("new"), previous: try verifier("old"), serverNonce: "server", hash: .plain)
    guard password != "other" else {
      #expect(throws: ScramError.wrongPassword) { try exchange(&client, &server) }
      return
    }
    try exchange(&client, &server)
    #expect(client.hasVerifiedServer)
    // The key to the old one opens nothing any more.
    #expect((server.clientKey != nil) == (password == "new"))
  }

  @Test("with channel binding both must be on the same channel")
  func binding() throws {
    var server = ScramServer(
      verifier: try verifier(), serverNonce: "s", channelBinding: .tlsServerEndPoint([1, 2]), hash: .plain)
    var same = client("pencil", .tlsServerEndPoint([1, 2]))
    #expect(same.mechanism == "SCRAM-SHA-256-PLUS")
    try exchange(&same, &server)

    server = ScramServer(
      verifier: try verifier(), serverNonce: "s", channelBinding: .tlsServerEndPoint([1, 2]), hash: .plain)
    var other = client("pencil", .tlsServerEndPoint([3]))
    #expect(throws: ScramError.channelBindingMismatch) { try exchange(&other, &server) }
  }

  @Test("a client that does not bind is taken on a channel that could be bound")
  func bindingNotUsed() throws {
    var server = ScramServer(
      verifier: try verifier(), serverNonce: "s", channelBinding: .tlsServerEndPoint([1]), hash: .plain)
    var client = client("pencil")
    try exchange(&client, &server)
    #expect(ChannelBinding.tlsServerEndPoint([1]).mechanisms == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
  }

  @Test("a wrong password and an unknown user are told apart by nothing")
  func wrongPassword() throws {
    let mock = ScramVerifier.mock(user: "nobody", secret: ascii("secret"), iterations: 2, hash: .plain)
    for verifier in [try verifier("right"), mock] {
      var client = client("wrong")
      var server = ScramServer(verifier: verifier, serverNonce: "server", hash: .plain)
      #expect(throws: ScramError.wrongPassword) { try exchange(&client, &server) }
      #expect(server.clientKey == nil)
    }
    #expect(mock.salt.count == 16 && mock.storedKey.count == 32)
  }

  @Test("the same unknown user always gets the same salt, another one another")
  func mocks() {
    func mock(_ user: String, _ secret: String) -> ScramVerifier {
      ScramVerifier.mock(user: user, secret: ascii(secret), hash: .plain)
    }
    #expect(mock("a", "x") == mock("a", "x"))
    #expect(mock("a", "x").salt != mock("b", "x").salt)
    #expect(mock("a", "x").salt != mock("a", "y").salt)
    #expect(mock("a", "x").iterations == ScramVerifier.defaultIterations)
  }

  @Test("messages out of turn are refused")
  func outOfTurn() throws {
    var server = ScramServer(verifier: try verifier(), serverNonce: "s", hash: .plain)
    #expect(throws: ScramError.outOfTurn) { try server.receivedFinal(ascii("c=biws")) }
    _ = try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("n,,n=,r=x"))
    #expect(throws: ScramError.outOfTurn) {
      try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("n,,n=,r=x"))
    }
    var client = client("pencil")
    #expect(throws: ScramError.outOfTurn) { try client.received(serverFirst: ascii("r=x")) }
    #expect(throws: ScramError.outOfTurn) { try client.received(serverFinal: ascii("v=x")) }
  }

  @Test("the user's name is escaped")
  func escapedUser() {
    var client = ScramClient(password: "", clientNonce: "x", user: "a,b=c", hash: .plain)
    #expect(client.clientFirst() == ascii("n,,n=a=2Cb=3Dc,r=x"))
  }
}
