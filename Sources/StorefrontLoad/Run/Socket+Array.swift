import PoolServer

extension Socket {
  /// Reads into an array that keeps its size.
  func read(into buffer: inout [UInt8]) -> ReadResult {
    buffer.withUnsafeMutableBytes { raw in
      guard let base = raw.baseAddress else { return .wouldBlock }
      return read(into: base, count: raw.count)
    }
  }
}
