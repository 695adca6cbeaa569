// The messages that a client sends. Source: PostgreSQL manual, "Message Formats".

extension MessageWriter {
  // MARK: The first packet of a connection

  /// StartupMessage of protocol 3.`minor`.
  package mutating func startup(parameters: [StartupParameter], minor: Int = 0) {
    untagged { packet in
      packet.uint32(3 << 16 | UInt32(UInt16(clamping: minor)))
      for parameter in parameters {
        packet.text(parameter.name)
        packet.text(parameter.value)
      }
      packet.byte(0)
    }
  }

  package mutating func sslRequest() {
    untagged { $0.uint32(StartupPacket.sslCode) }
  }

  /// GSSENCRequest.
  package mutating func gssRequest() {
    untagged { $0.uint32(StartupPacket.gssCode) }
  }

  /// CancelRequest. The key has 4 bytes, from protocol 3.2 on up to 256.
  package mutating func cancelRequest(processID: UInt32, key: [UInt8]) {
    untagged { packet in
      packet.uint32(StartupPacket.cancelCode)
      packet.uint32(processID)
      packet.raw(key)
    }
  }

  // MARK: Authentication

  /// PasswordMessage with a password, or what another method puts in its place.
  package mutating func password(_ password: String) {
    message(FrontendTag.password) { $0.text(password) }
  }

  /// SASLInitialResponse; without a response when the mechanism starts with the server's word.
  package mutating func saslInitialResponse(mechanism: String, response: [UInt8]?) {
    message(FrontendTag.password) { message in
      message.text(mechanism)
      message.value(response)
    }
  }

  package mutating func saslResponse(_ response: [UInt8]) {
    message(FrontendTag.password) { $0.raw(response) }
  }

  // MARK: Queries

  package mutating func query(_ text: String) {
    message(FrontendTag.query) { $0.text(text) }
  }

  /// Parse. `types` are OIDs; 0, or none at all, leaves a parameter's type to the server.
  package mutating func parse(name: String = "", query: String, types: [UInt32] = []) {
    message(FrontendTag.parse) { message in
      message.text(name)
      message.text(query)
      message.counted(types) { $0.uint32($1) }
    }
  }

  /// Bind with every parameter and every result column in text format; nil is NULL.
  package mutating func bind(portal: String = "", statement: String = "", parameters: [String?] = []) {
    message(FrontendTag.bind) { message in
      message.text(portal)
      message.text(statement)
      message.uint16(0)
      message.counted(parameters) { $0.value($1.map { Array($0.utf8) }) }
      message.uint16(0)
    }
  }

  package mutating func describe(statement name: String) {
    target(FrontendTag.describe, kind: "S", name: name)
  }

  package mutating func describe(portal name: String) {
    target(FrontendTag.describe, kind: "P", name: name)
  }

  package mutating func close(statement name: String) {
    target(FrontendTag.close, kind: "S", name: name)
  }

  package mutating func close(portal name: String) {
    target(FrontendTag.close, kind: "P", name: name)
  }

  private mutating func target(_ tag: UInt8, kind: Unicode.Scalar, name: String) {
    message(tag) { message in
      message.byte(UInt8(ascii: kind))
      message.text(name)
    }
  }

  /// Execute. `maxRows` 0 returns every row.
  package mutating func execute(portal: String = "", maxRows: Int32 = 0) {
    message(FrontendTag.execute) { message in
      message.text(portal)
      message.int32(maxRows)
    }
  }

  /// FunctionCall with every argument and the result in text format; nil is NULL.
  package mutating func functionCall(oid: UInt32, arguments: [String?]) {
    message(FrontendTag.functionCall) { message in
      message.uint32(oid)
      message.uint16(0)
      message.counted(arguments) { $0.value($1.map { Array($0.utf8) }) }
      message.uint16(0)
    }
  }

  package mutating func sync() { message(FrontendTag.sync) }

  package mutating func flush() { message(FrontendTag.flush) }

  package mutating func terminate() { message(FrontendTag.terminate) }

  // MARK: COPY; data and end are the same in both directions

  package mutating func copyData(_ data: [UInt8]) {
    message(FrontendTag.copyData) { $0.raw(data) }
  }

  package mutating func copyDone() { message(FrontendTag.copyDone) }

  /// CopyFail; `reason` shows up in the server's error.
  package mutating func copyFail(_ reason: String) {
    message(FrontendTag.copyFail) { $0.text(reason) }
  }
}
