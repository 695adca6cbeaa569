package import PostgresWire

// What backends report of their parameters, and what their clients know of it. A client's settings come and go with its
// backends unseen, so a backend's reports tell nothing of what a client must hear: a SET back to what the backend had
// before it was lent is none to the server, which compares with its own last report at ReadyForQuery (since version 14).

extension Sessions {
  /// A ParameterStatus has come from the backend, whoever has it.
  package mutating func reported(
    _ backend: BackendID, _ report: ParameterStatusView, in bytes: Span<UInt8>, common: [ReportedParameter]
  ) {
    let index = Int(backend.index)
    let parameter = ReportedParameter(
      name: copiedBytes(in: bytes, from: report.nameStart, to: report.nameEnd),
      value: copiedBytes(in: bytes, from: report.valueStart, to: report.valueEnd))
    backends[index].view.removeAll { $0.name == parameter.name }
    if !common.contains(parameter) { backends[index].view.append(parameter) }
  }

  /// Its transaction may have changed what it must be told of.
  @inlinable package func mayHaveUnreported(_ client: ClientID) -> Bool {
    clients[Int(client.index)].marks.rawValue != 0 || clients[Int(client.index)].hasDetails
  }

  /// A client's ReadyForQuery has come: ParameterStatus messages that must go in front of it. They count as told.
  /// Call only where ``mayHaveUnreported(_:)`` says so.
  package mutating func unreported(
    _ client: ClientID, _ backend: BackendID, common: [ReportedParameter]
  ) -> [UInt8] {
    let index = Int(client.index)
    if clients[index].touched.isEmpty, clients[index].marks.isEmpty { return [] }
    let view = backends[Int(backend.index)].view
    var writer = MessageWriter(reservingCapacity: 64)
    for parameter in view where !clients[index].told.contains(parameter) {
      append(parameter, to: &writer)
      clients[index].told.removeAll { $0.name == parameter.name }
      clients[index].told.append(parameter)
    }
    for parameter in clients[index].told where !view.contains(where: { $0.name == parameter.name }) {
      clients[index].told.removeAll { $0.name == parameter.name }
      guard let usual = common.first(where: { $0.name == parameter.name }), usual != parameter else {
        continue
      }
      append(usual, to: &writer)
    }
    return writer.bytes
  }

  private func append(_ parameter: ReportedParameter, to writer: inout MessageWriter) {
    writer.parameterStatus(name: String(decoding: parameter.name, as: UTF8.self), value: parameter.value)
  }
}
