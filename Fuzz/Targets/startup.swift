import PostgresWire

/// A connection's first bytes: what is incomplete is no other packet than the whole, and what is whole fits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: base, count: count))
  let packet = StartupPacket.read(in: bytes.span)
  if case .startup(let request) = packet {
    guard request.packetLength <= count else { fatalError("longer than what came") }
    _ = (request.user, request.database, request.replication)
    if let options = request.value(of: "options") { _ = parseOptions(options) }
    // At every boundary within the packet it is not complete, and nothing is decided.
    let cut = Array(bytes.prefix(request.packetLength - 1))
    guard case .incomplete = StartupPacket.read(in: cut.span) else { fatalError("decided too early") }
  }
  return 0
}
