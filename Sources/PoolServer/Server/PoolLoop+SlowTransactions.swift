import Logging
import PoolCore

// `slow_transaction`: transactions that take long are logged, each with where its time went. While the key is 0, each hook
// costs one comparison.

extension PoolLoop {
  @inline(__always)
  var logsSlowTransactions: Bool { settings.slowTransaction > 0 }

  /// The client's query is answered, and it was sent to the backend at `sentAt`.
  mutating func noteAnswer(_ client: Int) {
    let (id, backend) = (ClientID(client), BackendID(clients[client].backend))
    guard backend != .none else { return }
    slow.answered(client, now.nanoseconds &- clients[client].sentAt) {
      sessions.lastStatement(of: id, on: backend)
    }
  }

  /// The client's transaction, which began at `since`, has ended.
  mutating func noteEnd(_ client: Int) {
    let notes = slow.ended(client)
    let held = now.nanoseconds &- clients[client].since
    let all = held &+ notes.waited
    guard all >= settings.slowTransaction &* 1_000_000, let heldBack = slow.limit.admit(at: now) else {
      return
    }
    let identity = identities.entries[Int(clients[client].identity)]
    func milliseconds(_ nanoseconds: UInt64) -> Logger.MetadataValue {
      .stringConvertible(nanoseconds / 1_000_000)
    }
    var facts: Logger.Metadata = [
      "user": "\(identity.user)", "database": "\(identity.database)",
      "client": .stringConvertible(clients[client].number),
      "total_ms": milliseconds(all), "wait_ms": milliseconds(notes.waited),
      "server_ms": milliseconds(min(notes.server, held)),
      "client_ms": milliseconds(held - min(notes.server, held)),
      "queries": .stringConvertible(notes.queries),
    ]
    if let name = sessions.images[sessions.clients[client].image]["application_name"] {
      facts["application_name"] = "\(String(decoding: name, as: UTF8.self))"
    }
    if clients[client].backend != BackendID.none.index {
      facts["pid"] = .stringConvertible(backends[Int(clients[client].backend)].processID)
    }
    if let statement = notes.statement {
      facts["statement"] = "\(statement.text)"
      facts["fingerprint"] = "\(statement.fingerprint)"
      facts["statement_ms"] = milliseconds(notes.longest)
    }
    if heldBack > 0 { facts["held_back"] = .stringConvertible(heldBack) }
    logger.notice("slow transaction", metadata: facts)
  }
}
