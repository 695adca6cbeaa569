import PoolCore

/// A replication connection in pieces: wherever it is cut, messages begin at the same places.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  guard let first = bytes.first else { return 0 }
  let stream = Array(bytes.dropFirst())
  var (whole, pieces) = (FrameFollower(), FrameFollower())
  var (tags, others): ([UInt8], [UInt8]) = ([], [])
  whole.passed(stream.span) { tags.append($0) }
  let size = Int(first % 9) + 1
  for start in stride(from: 0, to: stream.count, by: size) {
    pieces.passed(Array(stream[start..<min(start + size, stream.count)]).span) { others.append($0) }
  }
  guard tags == others, whole.isBetweenMessages == pieces.isBetweenMessages, whole.isLost == pieces.isLost
  else { fatalError("pieces of \(size) are read otherwise") }
  var both = ReplicationStream()
  both.serverSent(stream.span)
  both.clientSent(stream.span)
  return 0
}
