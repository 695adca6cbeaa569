import PoolCore
import PostgresWire

// A client's Bind that waits until its backend has said what the statement returns, and errors that a client gets in
// other words than the server's.

extension PoolLoop {
  /// What the client gets in place of an error of the server's; `nil` where that is right as it is.
  func answer(
    for backend: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int
  ) -> [UInt8]? {
    if backends[backend].isOverdue { return overdueAnswer(bytes, offset, length) }
    guard var error = ErrorFields.read(in: bytes, at: offset, length: length), error.isChangedPlan else {
      return nil
    }
    error.becomeChangedPlan()
    var writer = MessageWriter(reservingCapacity: 256)
    writer.errorResponse(error)
    return writer.bytes
  }

  /// The backend has said what a client's Bind waits for, or failed.
  mutating func resumeHeld(_ backend: Int) {
    let client = backends[backend].client
    guard client != ClientID.none.index, clients[Int(client)].awaitsDescription else { return }
    clients[Int(client)].awaitsDescription = false
    clients[Int(client)].mustResume = true
    readLater(client: Int(client))
  }
}
