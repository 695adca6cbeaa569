// Big-endian reads with bounds checks: what the wire sends is never trusted to be as long as it says.
//
// Framing and views are `@inlinable`: the pool's loop looks at every header, and without it each look, and
// even each tag constant, is a call into this module (seen in the release build's disassembly).

/// The 16-bit big-endian integer at `offset`, or nil when it does not lie inside `bytes`.
/// Counts on the wire are unsigned: a Bind may carry 65,535 parameters.
@inlinable @inline(always)
package func readUInt16(in bytes: Span<UInt8>, at offset: Int) -> UInt16? {
  guard offset >= 0, bytes.count - offset >= 2 else { return nil }
  return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
}

/// The signed 16-bit big-endian integer at `offset`, or nil when it does not lie inside `bytes`.
@inlinable @inline(always)
package func readInt16(in bytes: Span<UInt8>, at offset: Int) -> Int16? {
  guard let value = readUInt16(in: bytes, at: offset) else { return nil }
  return Int16(bitPattern: value)
}

/// The unsigned 32-bit big-endian integer at `offset`, or nil when it does not lie inside `bytes`.
@inlinable @inline(always)
package func readUInt32(in bytes: Span<UInt8>, at offset: Int) -> UInt32? {
  guard offset >= 0, bytes.count - offset >= 4 else { return nil }
  // One load, whose bounds are checked, too.
  return UInt32(bigEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
}

/// The signed 32-bit big-endian integer at `offset`, or nil when it does not lie inside `bytes`.
@inlinable @inline(always)
package func readInt32(in bytes: Span<UInt8>, at offset: Int) -> Int32? {
  guard let value = readUInt32(in: bytes, at: offset) else { return nil }
  return Int32(bitPattern: value)
}

/// The eight bytes at `offset` as one number, the first byte lowest. It must lie inside `bytes`: that is checked, and
/// any eight bytes are a number.
@inlinable @inline(always)
package func eightBytes(in bytes: Span<UInt8>, at offset: Int) -> UInt64 {
  UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
}

/// Whether both have the same bytes.
@inlinable
package func areEqual(_ known: [UInt8], _ others: Span<UInt8>) -> Bool {
  let some = known.span
  guard some.count == others.count else { return false }
  var position = 0
  while some.count - position >= 8 {
    if eightBytes(in: some, at: position) != eightBytes(in: others, at: position) { return false }
    position += 8
  }
  while position < some.count {
    if some[position] != others[position] { return false }
    position += 1
  }
  return true
}

/// The offset of the zero byte that ends the text starting at `start`, or nil when there is none before
/// `limit` (or the range does not lie inside `bytes`).
@inlinable
package func terminator(in bytes: Span<UInt8>, from start: Int, limit: Int) -> Int? {
  guard start >= 0, limit <= bytes.count else { return nil }
  var position = start
  while limit - position >= 8 {
    // The lowest bit that is left is the highest of the first byte that is zero: what it borrowed changes only those
    // above it.
    let word = eightBytes(in: bytes, at: position)
    let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    if zeros != 0 { return position + zeros.trailingZeroBitCount >> 3 }
    position += 8
  }
  while position < limit {
    if bytes[position] == 0 { return position }
    position += 1
  }
  return nil
}

/// Where the frame that starts at `offset` and is `length` bytes long ends, or nil when it does not lie
/// inside `bytes` or is shorter than a header.
@inlinable
package func frameEnd(in bytes: Span<UInt8>, at offset: Int, length: Int) -> Int? {
  guard offset >= 0, length >= FrameHeader.size, length <= bytes.count - offset else { return nil }
  return offset + length
}

/// A copy of `bytes[start..<end]`, cut to what exists. Cold path only: it allocates.
package func copiedBytes(in bytes: Span<UInt8>, from start: Int, to end: Int) -> [UInt8] {
  let first = max(0, start)
  let last = min(end, bytes.count)
  guard first < last else { return [] }
  var copy: [UInt8] = []
  copy.reserveCapacity(last - first)
  for position in first..<last { copy.append(bytes[position]) }
  return copy
}

/// `bytes[start..<end]` as text, cut to what exists; bytes that are not UTF-8 become U+FFFD. Cold path only.
package func copiedText(in bytes: Span<UInt8>, from start: Int, to end: Int) -> String {
  String(decoding: copiedBytes(in: bytes, from: start, to: end), as: UTF8.self)
}
