import PostgresWire

/// Tells where messages begin in a stream whose bytes pass in pieces of any size and are kept by nobody.
package struct FrameFollower: Sendable {
  /// The beginning of a header that is not complete.
  private var header: [UInt8] = []
  /// Bytes of the current message that are still to come.
  private var rest = 0
  /// A length came that cannot be: nothing is known of what follows.
  package private(set) var isLost = false

  package init() {}

  /// All that has passed is whole messages.
  package var isBetweenMessages: Bool { header.isEmpty && rest == 0 && !isLost }

  /// Bytes pass; `begins` is called with the tag of each message whose header they complete.
  package mutating func passed(_ bytes: Span<UInt8>, _ begins: (UInt8) -> Void) {
    var offset = 0
    while offset < bytes.count, !isLost {
      if rest > 0 {
        let here = min(rest, bytes.count - offset)
        rest -= here
        offset += here
        continue
      }
      // Most headers lie in one piece.
      if header.isEmpty {
        let found = FrameHeader.read(in: bytes, at: offset)
        if found != .incomplete {
          begin(found, begins)
          offset += FrameHeader.size
          continue
        }
      }
      header.append(bytes[offset])
      offset += 1
      if header.count == FrameHeader.size {
        let found = FrameHeader.read(in: header.span, at: 0)
        header = []
        begin(found, begins)
      }
    }
  }

  private mutating func begin(_ found: FrameHeaderResult, _ begins: (UInt8) -> Void) {
    switch found {
    case .frame(let header):
      rest = header.length - FrameHeader.size
      begins(header.tag)
    case .incomplete, .malformed: isLost = true
    }
  }
}
