// The messages that a server sends, but for authentication. CopyData and CopyDone are with the client's.
// Source: PostgreSQL manual, "Message Formats".

extension MessageWriter {
  // MARK: The session

  package mutating func parameterStatus(name: String, value: String) {
    message(BackendTag.parameterStatus) { message in
      message.text(name)
      message.text(value)
    }
  }

  /// ParameterStatus with a value in whatever encoding it came.
  package mutating func parameterStatus(name: String, value: [UInt8]) {
    message(BackendTag.parameterStatus) { message in
      message.text(name)
      message.text(value)
    }
  }

  /// BackendKeyData. The key has 4 bytes, from protocol 3.2 on up to 256.
  package mutating func backendKeyData(processID: UInt32, key: [UInt8]) {
    message(BackendTag.backendKeyData) { message in
      message.uint32(processID)
      message.raw(key)
    }
  }

  package mutating func readyForQuery(_ status: TransactionStatus) {
    message(BackendTag.readyForQuery) { $0.byte(status.rawValue) }
  }

  /// NegotiateProtocolVersion: the newest minor version that is served, as PostgreSQL sends it with the major
  /// one in front, and the `_pq_.` options that are not known.
  package mutating func negotiateProtocolVersion(newestMinor: Int, unrecognized: [String]) {
    message(BackendTag.negotiateProtocolVersion) { message in
      message.uint32(3 << 16 | UInt32(UInt16(clamping: newestMinor)))
      message.uint32(UInt32(clamping: unrecognized.count))
      for option in unrecognized { message.text(option) }
    }
  }

  package mutating func errorResponse(_ fields: ErrorFields) {
    message(BackendTag.errorResponse) { $0.errorFields(fields) }
  }

  package mutating func noticeResponse(_ fields: ErrorFields) {
    message(BackendTag.noticeResponse) { $0.errorFields(fields) }
  }

  private mutating func errorFields(_ fields: ErrorFields) {
    for field in fields.fields {
      byte(field.code)
      text(field.text)
    }
    byte(0)
  }

  package mutating func notificationResponse(processID: UInt32, channel: String, payload: String) {
    message(BackendTag.notificationResponse) { message in
      message.uint32(processID)
      message.text(channel)
      message.text(payload)
    }
  }

  // MARK: Results

  package mutating func rowDescription(columns: [ColumnDescription]) {
    message(BackendTag.rowDescription) { message in
      message.counted(columns) { message, column in
        message.text(column.name)
        message.uint32(0)  // no table
        message.uint16(0)  // no column of a table
        message.uint32(column.typeOID)
        message.uint16(UInt16(bitPattern: column.typeSize))
        message.int32(-1)  // no type modifier
        message.uint16(0)  // text format
      }
    }
  }

  /// RowDescription of columns of type `text`.
  package mutating func rowDescription(_ names: [String]) {
    rowDescription(columns: names.map { ColumnDescription(name: $0) })
  }

  /// DataRow in text format; nil is NULL.
  package mutating func dataRow(_ texts: [String?]) {
    message(BackendTag.dataRow) { message in
      message.counted(texts) { $0.value($1.map { Array($0.utf8) }) }
    }
  }

  package mutating func commandComplete(tag: String) {
    message(BackendTag.commandComplete) { $0.text(tag) }
  }

  package mutating func emptyQueryResponse() { message(BackendTag.emptyQueryResponse) }

  package mutating func functionCallResponse(_ text: String?) {
    message(BackendTag.functionCallResponse) { $0.value(text.map { Array($0.utf8) }) }
  }

  // MARK: The extended protocol

  package mutating func parseComplete() { message(BackendTag.parseComplete) }

  package mutating func bindComplete() { message(BackendTag.bindComplete) }

  package mutating func closeComplete() { message(BackendTag.closeComplete) }

  package mutating func noData() { message(BackendTag.noData) }

  package mutating func portalSuspended() { message(BackendTag.portalSuspended) }

  /// ParameterDescription: the OIDs of a prepared statement's parameters.
  package mutating func parameterDescription(types: [UInt32]) {
    message(BackendTag.parameterDescription) { message in
      message.counted(types) { $0.uint32($1) }
    }
  }

  // MARK: COPY, every column in text format

  package mutating func copyInResponse(columns: Int) {
    copyResponse(BackendTag.copyInResponse, columns: columns)
  }

  package mutating func copyOutResponse(columns: Int) {
    copyResponse(BackendTag.copyOutResponse, columns: columns)
  }

  package mutating func copyBothResponse(columns: Int) {
    copyResponse(BackendTag.copyBothResponse, columns: columns)
  }

  private mutating func copyResponse(_ tag: UInt8, columns: Int) {
    message(tag) { message in
      message.byte(0)
      message.counted(Array(repeating: UInt16(0), count: max(0, columns))) { $0.uint16($1) }
    }
  }
}
