import PostgresWire

// A backend answers the same front always by the same bytes, two dozen messages that nobody is to see. What it has answered
// once is kept with the image, so that the next such answer is one comparison.

extension Sessions {
  /// What will answer the front that comes next; empty when it has not been seen yet.
  @inlinable package func knownFrontAnswer(on backend: BackendID) -> [UInt8] {
    guard let image = backends[Int(backend.index)].image else { return [] }
    return images.frontAnswer(image, keepingSequences: backends[Int(backend.index)].keepsSequences)
  }

  /// All of it has come.
  package mutating func frontAnswered(on backend: BackendID) {
    backends[Int(backend.index)].ledger.frontAnswered()
  }

  /// This was all of it. Not kept when something else came in between: a parameter's new value is to be read.
  package mutating func learnFrontAnswer(on backend: BackendID, _ bytes: Span<UInt8>) {
    guard let image = backends[Int(backend.index)].image else { return }
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: bytes, at: offset) {
      switch header.tag {
      case BackendTag.bindComplete, BackendTag.dataRow, BackendTag.commandComplete: offset += header.length
      default: return
      }
    }
    guard offset == bytes.count else { return }
    images.setFrontAnswer(
      image, keepingSequences: backends[Int(backend.index)].keepsSequences,
      copiedBytes(in: bytes, from: 0, to: bytes.count))
  }
}
