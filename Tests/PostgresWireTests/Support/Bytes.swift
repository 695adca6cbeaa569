import PostgresWire

/// What `build` writes.
func written(_ build: (inout MessageWriter) -> Void) -> [UInt8] {
  var writer = MessageWriter()
  build(&writer)
  return writer.bytes
}

/// The ASCII of `text`, with `\0` as a zero byte.
func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A frame with a right length word.
func frame(_ tag: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] {
  [UInt8(ascii: tag)] + word(body.count + 4) + body
}

/// A 32-bit big-endian number.
func word(_ value: Int) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// A packet without a tag, with a right length word.
func packet(_ code: Int, _ body: [UInt8] = []) -> [UInt8] { word(body.count + 8) + word(code) + body }

/// `bytes[start..<end]` as text.
func text(_ bytes: [UInt8], _ start: Int, _ end: Int) -> String {
  copiedText(in: bytes.span, from: start, to: end)
}

/// What `reader` finds in the frame that fills `bytes` from `offset` to the end.
func read<View>(
  _ bytes: [UInt8], at offset: Int = 0, _ reader: (Span<UInt8>, Int, Int) -> View?
) -> View? {
  reader(bytes.span, offset, bytes.count - offset)
}
