import PostgresWire

/// What a client has sent to its backend since that owed nothing: should the backend be lost, this tells where the
/// client's transaction stands, and it may be sent again if it is certain that nothing of it was carried out.
package struct Flight: Sendable {
  /// Bytes that are kept at most.
  @inlinable package static var longest: Int { 16_384 }

  @usableFromInline package internal(set) var bytes: [UInt8] = []
  /// All of it is in ``bytes``.
  @usableFromInline package internal(set) var isWhole = true
  /// The client has been sent something for it.
  package var isAnswered = false

  package init() {}

  /// Nothing is owed: what comes next begins a flight.
  @inlinable
  package mutating func begin() {
    bytes.removeAll(keepingCapacity: true)
    isWhole = true
    isAnswered = false
  }

  @inlinable
  package mutating func add(_ more: some Collection<UInt8>) {
    guard isWhole else { return }
    if bytes.count + more.count > Self.longest {
      isWhole = false
      bytes.removeAll(keepingCapacity: true)
    } else {
      bytes.append(contentsOf: more)
    }
  }

  /// A message of it was sent in parts.
  package mutating func isCut() {
    isWhole = false
    bytes.removeAll(keepingCapacity: true)
  }

  /// Where its units (a Query, a FunctionCall, a batch up to its Sync) begin and end, the open batch at its end last;
  /// `nil` when that cannot be told.
  package var units: (closed: [Range<Int>], open: Range<Int>)? {
    guard isWhole else { return nil }
    var closed: [Range<Int>] = []
    var start = 0
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
      guard offset + header.length <= bytes.count else { return nil }
      offset += header.length
      switch header.tag {
      case FrontendTag.query, FrontendTag.functionCall, FrontendTag.sync:
        closed.append(start..<offset)
        start = offset
      default: break  // part of a batch
      }
    }
    return offset == bytes.count ? (closed, start..<offset) : nil
  }
}
