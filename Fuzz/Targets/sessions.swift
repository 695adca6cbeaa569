/// Numbers made of a fuzzer's bytes, which so decides each of them.
private struct ByteSource: RandomNumberGenerator {
  let bytes: [UInt8]
  var position = 0

  mutating func next() -> UInt64 {
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return UInt64(bytes[position])
  }
}

/// The session machine between clients and a model of the server: what each client sees is what it would have seen
/// alone, so no reply reaches the wrong one. The bytes decide who sends what, and when.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var source = ByteSource(bytes: Array(UnsafeBufferPointer(start: base, count: count)))
  // A byte at least for each step.
  let faults = DifferentialRun(&source, steps: min(count, 2_000)).faults
  guard faults.isEmpty else { fatalError(faults.joined(separator: "\n")) }
  return 0
}
