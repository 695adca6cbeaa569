/// What a CancelRequest must name: BackendKeyData.
///
/// Source: PostgreSQL manual, "Message Formats", BackendKeyData.
package struct BackendKeyData: Equatable, Sendable {
  package var processID: UInt32

  /// The secret: 4 bytes, from protocol 3.2 on 4 to 256.
  package var key: [UInt8]

  package init(processID: UInt32, key: [UInt8]) {
    self.processID = processID
    self.key = key
  }

  /// The data in the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed.
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> BackendKeyData? {
    guard let end = frameEnd(in: bytes, at: offset, length: length),
      let processID = readUInt32(in: bytes, at: offset + FrameHeader.size)
    else { return nil }
    let keyStart = offset + FrameHeader.size + 4
    guard (4...256).contains(end - keyStart) else { return nil }
    return BackendKeyData(processID: processID, key: copiedBytes(in: bytes, from: keyStart, to: end))
  }
}
