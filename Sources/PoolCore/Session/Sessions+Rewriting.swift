import PostgresWire

// The bytes that go in place of a frame.

extension Sessions {
  /// A client's name that could be one of the pool's own on the backend: as it is, it would reach another client's
  /// statement, or close one of the front's.
  func isReserved(_ name: Span<UInt8>) -> Bool {
    guard name.count >= backendNamePrefix.count else { return false }
    for offset in backendNamePrefix.indices where name[offset] != backendNamePrefix[offset] { return false }
    return true
  }

  /// The reserved name with a mark before it, which no statement of the pool has.
  mutating func appendDisarmed(_ name: Span<UInt8>) {
    rewritten.append(UInt8(ascii: "."))
    append(name, from: 0, to: name.count)
    rewritten.append(0)
  }

  /// The frame itself behind what was put in front of it, if anything was.
  mutating func finish(rewrittenThen bytes: Span<UInt8>, _ offset: Int, _ length: Int)
    -> FrameTreatment
  {
    if rewritten.isEmpty { return .forward }
    append(bytes, from: offset, to: offset + length)
    return .replace
  }

  mutating func append(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
    rewritten.append(addingCapacity: end - start) { added in
      for position in start..<end { added.append(bytes[position]) }
    }
  }

  mutating func appendTarget(_ tag: UInt8, _ statement: StatementID?, else name: Span<UInt8>) {
    rewritten.append(tag)
    let lengthAt = rewritten.count
    appendInt32(0, to: &rewritten)
    rewritten.append(UInt8(ascii: "S"))
    if let statement {
      appendBackendName(of: statement, to: &rewritten)
    } else {
      appendDisarmed(name)
    }
    patchLength(at: lengthAt, in: &rewritten)
  }
}
