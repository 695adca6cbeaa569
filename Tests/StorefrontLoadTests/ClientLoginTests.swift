import PoolServer
import PostgresWire
import StorefrontLoad
import Synchronization
import Testing

@Suite("A load client's login") struct ClientLoginTests {
  @Test("SCRAM-SHA-256 against our own server side succeeds")
  func scram() throws {
    var stage = try #require(ScriptedClient(.extended))
    #expect(try logIn(&stage) == [.loggedIn])
    #expect(stage.client.isIdle)
  }

  @Test("a hundred logins with one salt derive the key once")
  func cached() throws {
    let derivations = Counter()
    let counting = ScramHash(
      sha256: ScramHash.openSSL.sha256, hmac: ScramHash.openSSL.hmac,
      pbkdf2: { password, salt, iterations in
        derivations.value.withLock { $0 += 1 }
        return ScramHash.openSSL.pbkdf2(password, salt, iterations)
      })
    var keys = ScramKeyCache(password: "secret", hash: counting)
    for _ in 0..<100 {
      var stage = try #require(ScriptedClient(.extended))
      stage.kit.keys = keys
      #expect(try logIn(&stage) == [.loggedIn])
      keys = stage.kit.keys
    }
    #expect(derivations.value.withLock { $0 } == 1)
  }

  @Test("a server without authentication is taken as it is")
  func trust() throws {
    var stage = try #require(ScriptedClient(.simple))
    #expect(stage.logIn() == [.loggedIn])
  }

  @Test("a server that asks for the password in clear gets it")
  func cleartext() throws {
    var stage = try #require(ScriptedClient(.simple))
    #expect(stage.hear { $0.authenticationCleartext() }.sent.map(\.text) == ["secret "])
    #expect(stage.logIn() == [.loggedIn])
  }

  @Test("a server that does not prove itself is left")
  func impostor() throws {
    var stage = try #require(ScriptedClient(.extended))
    let (events, _) = stage.hear {
      $0.authenticationSASL(mechanisms: ["SCRAM-SHA-256"])
      $0.authenticationOk()
    }
    #expect(events == [.lost(LoadError(sqlState: "08P01", message: "an authentication message out of turn"))])
  }

  @Test("ReadyForQuery before the login is no login")
  func early() throws {
    var stage = try #require(ScriptedClient(.extended))
    let (events, _) = stage.hear { $0.readyForQuery(.idle) }
    #expect(
      events == [.lost(LoadError(sqlState: "08P01", message: "ReadyForQuery before AuthenticationOk"))])
  }

  @Test("when the server refuses and hangs up, its own words are the reason")
  func refused() throws {
    var stage = try #require(ScriptedClient(.extended))
    let (events, _) = stage.hear {
      $0.errorResponse(
        ErrorFields(severity: .fatal, sqlState: "53300", message: "sorry, too many clients already"))
    }
    #expect(events.isEmpty)
    #expect(
      stage.client.connectionLost("closed")
        == LoadError(sqlState: "53300", message: "sorry, too many clients already"))
  }

  @Test("a connection that ends without a word is said to be broken")
  func silent() throws {
    var stage = try #require(ScriptedClient(.extended))
    #expect(stage.client.connectionLost("closed") == LoadError(sqlState: "08006", message: "closed"))
  }

  /// Plays the server's side of SCRAM with the password "secret" and a fixed salt.
  private func logIn(_ stage: inout ScriptedClient) throws -> [LoadClientEvent] {
    var server = ScramServer(
      verifier: try ScramVerifier(
        password: "secret", salt: Array("salt of the test".utf8), iterations: 4096, hash: .openSSL),
      serverNonce: "servernonce", hash: .openSSL)
    let first = try #require(
      stage.hear { $0.authenticationSASL(mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]) }.sent.first)
    // Behind the mechanism's name and its zero byte stand the length and the message.
    let name = "SCRAM-SHA-256"
    #expect(first.text.hasPrefix(name))
    let serverFirst = try server.receivedFirst(
      mechanism: name, message: Array(first.body.dropFirst(name.utf8.count + 5)))
    let final = try #require(stage.hear { $0.authenticationSASLContinue(serverFirst) }.sent.first)
    let serverFinal = try server.receivedFinal(final.body)
    return stage.hear {
      $0.authenticationSASLFinal(serverFinal)
      $0.authenticationOk()
      $0.parameterStatus(name: "server_version", value: "15.1")
      $0.readyForQuery(.idle)
    }.events
  }
}

/// A count that a `Sendable` closure may raise.
private final class Counter: Sendable {
  let value = Mutex(0)
}
