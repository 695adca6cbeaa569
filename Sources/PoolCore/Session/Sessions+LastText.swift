import PostgresWire
import SQLText

extension Sessions {
  /// The last statement that the client has sent to its backend since that owed nothing, without its parameters' values;
  /// one that only begins or ends a transaction counts where there is no other. `nil` where that is not known: nothing
  /// was sent, or more than a ``Flight`` keeps.
  package func lastStatement(of client: ClientID, on backend: BackendID) -> StatementWords? {
    let flight = backends[Int(backend.index)].flight
    guard flight.isWhole else { return nil }
    let bytes = flight.bytes.span
    var last: StatementDigest?
    var isControl = true
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: bytes, at: offset),
      offset + header.length <= bytes.count
    {
      if let text = text(in: bytes, at: offset, header, of: client), !text.isEmpty {
        let controls = TransactionReading.read(text.span).last != .none
        if isControl || !controls {
          last = StatementDigest(text.span)
          isControl = controls
        }
      }
      offset += header.length
    }
    return last.map { StatementWords(text: $0.text, fingerprint: $0.name) }
  }

  /// The text of a Query, a Parse, or of the statement that a Bind names.
  private func text(
    in bytes: Span<UInt8>, at offset: Int, _ header: FrameHeader, of client: ClientID
  ) -> [UInt8]? {
    switch header.tag {
    case FrontendTag.query:
      guard let view = QueryView.read(in: bytes, at: offset, length: header.length) else { return nil }
      return copiedBytes(in: bytes, from: view.textStart, to: view.textEnd)
    case FrontendTag.parse:
      guard let view = ParseView.read(in: bytes, at: offset, length: header.length) else { return nil }
      return copiedBytes(in: bytes, from: view.queryStart, to: view.queryEnd)
    case FrontendTag.bind:
      guard let view = BindView.read(in: bytes, at: offset, length: header.length),
        view.statementStart < view.statementEnd
      else { return nil }
      let name = copiedBytes(in: bytes, from: view.statementStart, to: view.statementEnd)
      guard let statement = names.statement(client, named: name.span) else { return nil }
      return Array(statements.text(of: statement).prefix { $0 != 0 })
    default: return nil  // whatever else it is, it has no text
    }
  }
}

/// What a statement is, for a log: no literal, no parameter.
package struct StatementWords: Equatable, Sendable {
  /// Cut where it is long; see ``StatementDigest``.
  package let text: String
  /// 16 hexadecimal digits, the same for all calls of the statement.
  package let fingerprint: String

  package init(text: String, fingerprint: String) {
    self.text = text
    self.fingerprint = fingerprint
  }
}
