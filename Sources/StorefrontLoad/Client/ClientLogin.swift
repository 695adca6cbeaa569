import PostgresWire

/// The start-up of one client, until its first ReadyForQuery.
struct ClientLogin: Sendable {
  private enum State {
    /// The startup packet was sent. → `awaitingServerFirst`, `awaitingReady`
    case awaitingRequest
    /// → `awaitingServerFinal`
    case awaitingServerFirst
    /// → `awaitingOk`
    case awaitingServerFinal(ScramClient)
    /// The server has proved itself. → `awaitingReady`
    case awaitingOk
    /// Authenticated; settings and the backend key follow.
    case awaitingReady
  }

  private var state = State.awaitingRequest
  /// Fresh randomness in printable ASCII.
  private let nonce: String

  init(nonce: String) { self.nonce = nonce }

  /// Whether ReadyForQuery may come now.
  var isAuthenticated: Bool {
    if case .awaitingReady = state { true } else { false }
  }

  /// Takes an Authentication… message; what is to be sent is written to `out`.
  mutating func received(
    _ request: AuthenticationRequest, cache: inout ScramKeyCache, out: inout MessageWriter
  ) throws(LoadError) {
    switch (state, request) {
    case (.awaitingRequest, .ok), (.awaitingOk, .ok):
      state = .awaitingReady
    case (.awaitingRequest, .cleartextPassword):
      out.password(cache.password)
      state = .awaitingOk
    case (.awaitingRequest, .sasl(let mechanisms)):
      // This exchange writes the first message only; the keys come when the salt is known.
      var exchange = ScramClient(password: "", clientNonce: nonce, hash: cache.hash)
      guard mechanisms.contains(exchange.mechanism) else {
        throw .protocolViolation("the server offers none but \(mechanisms.joined(separator: ", "))")
      }
      out.saslInitialResponse(mechanism: exchange.mechanism, response: exchange.clientFirst())
      state = .awaitingServerFirst
    case (.awaitingServerFirst, .saslContinue(let message)):
      do throws(ScramError) {
        let (response, exchange) = try cache.answer(serverFirst: message, nonce: nonce)
        out.saslResponse(response)
        state = .awaitingServerFinal(exchange)
      } catch {
        throw .protocolViolation(error.message)
      }
    case (.awaitingServerFinal(var exchange), .saslFinal(let message)):
      do throws(ScramError) { try exchange.received(serverFinal: message) } catch {
        throw .protocolViolation(error.message)
      }
      state = .awaitingOk
    case (_, .md5Password), (_, .other):
      throw .protocolViolation("the server asks for a way to log in that this client does not have")
    case (_, .ok), (_, .cleartextPassword), (_, .sasl), (_, .saslContinue), (_, .saslFinal):
      throw .protocolViolation("an authentication message out of turn")
    }
  }
}
