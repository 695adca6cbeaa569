import PostgresWire

/// The startup parameter `options`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  if case .failure(let fault) = parseOptions(bytes), fault.message.isEmpty { fatalError("no message") }
  return 0
}
