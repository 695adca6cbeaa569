import PostgresWire

/// Every reader of a message, of either direction: none traps, and none points outside its frame.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  guard readEverything(bytes, at: 0, length: count) else { fatalError("points outside") }
  var offset = 0
  while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
    guard header.length <= bytes.count - offset else {
      // Longer than what is there, as from a header that was believed too early.
      _ = readEverything(bytes, at: offset, length: header.length)
      break
    }
    guard readEverything(bytes, at: offset, length: header.length) else { fatalError("points outside") }
    offset += header.length
  }
  return 0
}
