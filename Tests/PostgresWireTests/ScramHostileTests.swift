import PostgresWire
import Testing

@Suite("Hostile SCRAM messages")
struct ScramHostileTests {
  private let verifier = ScramVerifier.mock(user: "u", secret: [1], iterations: 2, hash: .plain)
  private let long = String(repeating: "x", count: 5_000)

  private func server(_ binding: ChannelBinding = .none) -> ScramServer {
    ScramServer(verifier: verifier, serverNonce: "SERVER", channelBinding: binding, hash: .plain)
  }

  private func client() throws -> ScramClient {
    var client = ScramClient(password: "pencil", clientNonce: "CLIENT", hash: .plain)
    _ = client.clientFirst()
    return client
  }

  @Test(
    "a client's first message without its fields is refused",
    arguments: [
      "n", "n,", "n,,", "x,,n=,r=a", ",,n=,r=a", "n,,n=", "n,,n=,", "n,,n=,r=", "n,,n=,r", "n,,r=a",
      "n,,r=a,n=",
      "n,,n=,r=a b", "n,,n=,r=\u{7f}", "n,,n=,r=ä", "n,,n=,r=a,", "n,,n=,r=a,1=x", "n,,n=,r=a,xy",
      "n,,n=,r=a\0",
      "p,,n=,r=a", "p=tls-server-end-point,,n=,r=a",
    ])
  func clientFirst(message: String) {
    var server = server()
    do {
      _ = try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii(message))
      Issue.record("taken: \(message)")
    } catch {
      guard case .malformed(.clientFirst, _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(error.sqlState == "08P01")
    }
  }

  @Test(
    "what is well-formed and not served is refused by name",
    arguments: [
      ("SCRAM-SHA-1", "n,,n=,r=a", ScramError.unsupportedMechanism("SCRAM-SHA-1")),
      ("", "n,,n=,r=a", .unsupportedMechanism("")),
      ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=a", .unsupportedMechanism("SCRAM-SHA-256-PLUS")),
      ("SCRAM-SHA-256", "n,a=admin,n=,r=a", .authorizationIdentity),
      ("SCRAM-SHA-256", "n,,m=x,n=,r=a", .mandatoryExtension),
    ])
  func refused(mechanism: String, message: String, expected: ScramError) {
    var server = server()
    #expect(throws: expected) { try server.receivedFirst(mechanism: mechanism, message: ascii(message)) }
  }

  @Test("y is taken where we offer no binding, and betrays a stripped offer where we do")
  func bindingFlags() throws {
    var plain = server()
    #expect(
      try plain.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("y,,n=,r=a")).starts(
        with: ascii("r=aSERVER,")))
    var bound = server(.tlsServerEndPoint([1]))
    #expect(throws: ScramError.channelBindingStripped) {
      try bound.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("y,,n=,r=a"))
    }
    bound = server(.tlsServerEndPoint([1]))
    #expect(throws: ScramError.unsupportedChannelBinding("tls-unique")) {
      try bound.receivedFirst(mechanism: "SCRAM-SHA-256-PLUS", message: ascii("p=tls-unique,,n=,r=a"))
    }
    bound = server(.tlsServerEndPoint([1]))
    #expect(throws: ScramError.malformed(.clientFirst, field: "p=")) {
      try bound.receivedFirst(mechanism: "SCRAM-SHA-256-PLUS", message: ascii("n,,n=,r=a"))
    }
  }

  @Test("optional extensions are stepped over")
  func extensions() throws {
    var server = server()
    _ = try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("n,,n=user,r=a,x=1,y="))
  }

  @Test("a message beyond 4,096 bytes is refused before it is looked at")
  func tooLong() throws {
    var server = server()
    #expect(throws: ScramError.malformed(.clientFirst, field: "at most 4096 bytes of text")) {
      try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("n,,n=,r=\(long)"))
    }
    var client = try client()
    #expect(throws: ScramError.malformed(.serverFirst, field: "at most 4096 bytes of text")) {
      try client.received(serverFirst: ascii("r=CLIENT\(long),s=AAAA,i=1"))
    }
  }

  @Test(
    "a client's final message must fit the exchange",
    arguments: [
      ("", ScramError.empty),
      ("c=", .channelBindingUnexpected),
      ("c=biw", .malformed(.clientFinal, field: "base64 in c=")),
      ("c=eSws,r=aSERVER,p=", .channelBindingUnexpected),
      ("c=biws", .malformed(.clientFinal, field: "','")),
      ("c=biws,r=a,p=", .nonceMismatch),
      ("c=biws,r=SERVER,p=", .nonceMismatch),
      ("c=biws,r=aSERVERx,p=", .nonceMismatch),
      ("c=biws,r=aSERVER", .malformed(.clientFinal, field: "p=")),
      ("c=biws,r=aSERVER,x=1", .malformed(.clientFinal, field: "p=")),
      ("c=biws,r=aSERVER,p=", .malformed(.clientFinal, field: "a proof of 32 bytes")),
      ("c=biws,r=aSERVER,p=AAAA", .malformed(.clientFinal, field: "a proof of 32 bytes")),
      ("c=biws,r=aSERVER,p=AA", .malformed(.clientFinal, field: "base64 in p=")),
      (
        "c=biws,r=aSERVER,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=1",
        .malformed(.clientFinal, field: "the end")
      ),
      ("c=biws,r=aSERVER,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .wrongPassword),
      ("c=biws,r=aSERVER,x=1,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .wrongPassword),
    ])
  func clientFinal(message: String, expected: ScramError) throws {
    var server = server()
    _ = try server.receivedFirst(mechanism: "SCRAM-SHA-256", message: ascii("n,,n=,r=a"))
    #expect(throws: expected) { try server.receivedFinal(ascii(message)) }
    #expect(throws: ScramError.outOfTurn) { try server.receivedFinal(ascii(message)) }
  }

  @Test(
    "a server's first message must fit the exchange",
    arguments: [
      ("", ScramError.malformed(.serverFirst, field: "r=")),
      ("r=CLIENT,s=AAAA,i=1", .nonceMismatch),
      ("r=OTHERxxx,s=AAAA,i=1", .nonceMismatch),
      ("r=CLIENx,s=AAAA,i=1", .nonceMismatch),
      ("r=CLIENTx", .malformed(.serverFirst, field: "','")),
      ("r=CLIENTx,i=1,s=AAAA", .malformed(.serverFirst, field: "s=")),
      ("r=CLIENTx,s=,i=1", .malformed(.serverFirst, field: "a salt")),
      ("r=CLIENTx,s=A,i=1", .malformed(.serverFirst, field: "base64 in s=")),
      ("r=CLIENTx,s=AAAA", .malformed(.serverFirst, field: "','")),
      ("r=CLIENTx,s=AAAA,i=", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=0", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=-1", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=+1", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=1000001", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=2147483648", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=99999999999999999999", .iterationsOutOfRange),
      ("r=CLIENTx,s=AAAA,i=1,x=1", .malformed(.serverFirst, field: "the end")),
      ("m=x,r=CLIENTx,s=AAAA,i=1", .mandatoryExtension),
    ])
  func serverFirst(message: String, expected: ScramError) throws {
    var client = try client()
    #expect(throws: expected) { try client.received(serverFirst: ascii(message)) }
    #expect(throws: ScramError.outOfTurn) { try client.received(serverFirst: ascii(message)) }
    #expect(client.keys == nil)
  }

  @Test(
    "a server that does not prove itself is not believed",
    arguments: [
      ("", ScramError.malformed(.serverFinal, field: "v=")),
      ("v=", .serverNotAuthentic),
      ("v=AAAA", .serverNotAuthentic),
      ("v=AAA", .malformed(.serverFinal, field: "base64 in v=")),
      ("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", .serverNotAuthentic),
      ("e=invalid-proof", .refusedByServer("invalid-proof")),
      ("e", .malformed(.serverFinal, field: "e=")),
    ])
  func serverFinal(message: String, expected: ScramError) throws {
    var client = try client()
    _ = try client.received(serverFirst: ascii("r=CLIENTx,s=AAAA,i=1"))
    #expect(throws: expected) { try client.received(serverFinal: ascii(message)) }
    #expect(!client.hasVerifiedServer)
  }

  @Test("no prefix of an honest message traps")
  func prefixes() throws {
    let first = ascii("p=tls-server-end-point,,n=user,r=abc,x=1")
    for count in 0...first.count {
      var server = server(.tlsServerEndPoint([1]))
      _ = try? server.receivedFirst(mechanism: "SCRAM-SHA-256-PLUS", message: Array(first.prefix(count)))
    }
    let serverFirst = ascii("r=CLIENTx,s=AAAA,i=1")
    for count in 0..<serverFirst.count {
      var client = try client()
      #expect(throws: ScramError.self) { try client.received(serverFirst: Array(serverFirst.prefix(count))) }
    }
  }
}
