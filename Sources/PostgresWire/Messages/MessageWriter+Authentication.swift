// The Authentication… messages of a server. Source: PostgreSQL manual, "Message Formats".

extension MessageWriter {
  package mutating func authenticationOk() { authentication(0) }

  /// AuthenticationCleartextPassword.
  package mutating func authenticationCleartext() { authentication(3) }

  /// AuthenticationMD5Password. The salt has 4 bytes.
  package mutating func authenticationMD5(salt: [UInt8]) {
    authentication(5) { $0.raw(salt) }
  }

  /// AuthenticationSASL: the mechanisms in the server's order of preference.
  package mutating func authenticationSASL(mechanisms: [String]) {
    authentication(10) { message in
      for mechanism in mechanisms { message.text(mechanism) }
      message.byte(0)
    }
  }

  package mutating func authenticationSASLContinue(_ data: [UInt8]) {
    authentication(11) { $0.raw(data) }
  }

  package mutating func authenticationSASLFinal(_ data: [UInt8]) {
    authentication(12) { $0.raw(data) }
  }

  private mutating func authentication(_ code: UInt32, body: (inout MessageWriter) -> Void = { _ in }) {
    message(BackendTag.authentication) { message in
      message.uint32(code)
      body(&message)
    }
  }
}
