import PostgresWire

// Parse without a backend, for clients that would otherwise wait for one only to prepare.
//
// pgbench, and every driver that prepares synchronously on a thread with many connections, waits for ParseComplete
// while its other connections hold all backends in open transactions that only this same thread could end. Directly
// that cannot happen; behind a pool it is a deadlock until the borrow times out. A text that the server has parsed
// already for the same user, database and settings can be answered from memory: the Parse itself goes in front of
// the first Bind, as for any statement that a backend lacks.

extension Sessions {
  /// The server has parsed the statement for this client. What was touched in the same transaction may be what made
  /// it right, so that proves nothing for others.
  mutating func parsed(_ statement: StatementID, for client: ClientID) {
    guard client != .none, Int(client.index) < clients.count else { return }
    guard clients[Int(client.index)].touched.isEmpty, clients[Int(client.index)].looking.isEmpty,
      clients[Int(client.index)].pins.isEmpty,
      !clients[Int(client.index)].marks.contains(.pins)
    else { return }
    statements.proven(statement, for: kind(of: client))
  }

  private func kind(of client: ClientID) -> UInt64 {
    return UInt64(clients[Int(client.index)].identity.index) << 32
      | UInt64(clients[Int(client.index)].image.index)
  }

  /// How many Parses the bytes begin with, up to and with a Sync, when that is all they ask for and each can be
  /// answered from memory; `nil` otherwise. The names are the client's from then on. `end` is where the Sync ends.
  package mutating func answerParses(_ client: ClientID, in bytes: Span<UInt8>) -> (count: Int, end: Int)? {
    var offset = 0
    var count = 0
    // First all are looked at, so that nothing is defined when one cannot be answered.
    scan: while true {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: offset),
        bytes.count - offset >= header.length
      else { return nil }
      switch header.tag {
      case FrontendTag.sync:
        offset += header.length
        break scan
      case FrontendTag.parse:
        guard let view = ParseView.read(in: bytes, at: offset, length: header.length),
          canAnswer(view, client, bytes)
        else { return nil }
        count += 1
        offset += header.length
      default: return nil
      }
    }
    guard count > 0 else { return nil }
    var start = 0
    for _ in 0..<count {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: start),
        let view = ParseView.read(in: bytes, at: start, length: header.length)
      else { return nil }
      let statement = statements.retain(
        view, in: bytes, reading: clients[Int(client.index)].reading)
      let name = bytes.extracting(view.nameStart..<view.nameEnd)
      if let old = names.define(client, name: name, statement) { statements.release(old) }
      start += header.length
    }
    return (count, offset)
  }

  private func canAnswer(_ view: ParseView, _ client: ClientID, _ bytes: Span<UInt8>) -> Bool {
    // A longer name is cut by the server; one that SQL's PREPARE may have is for it to judge.
    guard view.nameStart < view.nameEnd, view.nameEnd - view.nameStart < 64, !mayHaveNames(client),
      clients[Int(client.index)].prepared.isEmpty,
      let statement = statements.find(view, in: bytes, reading: clients[Int(client.index)].reading)
    else {
      return false
    }
    return statements.isProven(statement, for: kind(of: client))
      && names.statement(client, named: bytes.extracting(view.nameStart..<view.nameEnd)) == nil
  }
}
