import PostgresWire

// Errors name prepared statements as the backend knows them; the client gets them under its own names.

extension Sessions {
  /// An ErrorResponse in the client's words; `nil` when it is in them already.
  package func inWords(of client: ClientID, _ frame: Span<UInt8>) -> [UInt8]? {
    var changed: [UInt8]?
    var copied = 0
    var offset = FrameHeader.size
    while offset < frame.count {
      guard frame[offset] == UInt8(ascii: "\""), let (name, end) = ownName(frame, at: offset + 1, client)
      else {
        offset += 1
        continue
      }
      var bytes = changed ?? []
      for position in copied...offset { bytes.append(frame[position]) }
      changed = bytes + name
      copied = end
      offset = end + 1
    }
    guard var bytes = changed else { return nil }
    for position in copied..<frame.count { bytes.append(frame[position]) }
    patch(bytes.count - 1, at: 1, in: &bytes)
    return bytes
  }

  /// What the client calls the statement whose backend name stands between quotes, and where the second quote is.
  private func ownName(_ frame: Span<UInt8>, at start: Int, _ client: ClientID) -> (name: [UInt8], end: Int)?
  {
    // A name that was disarmed is the client's but for the mark.
    let isDisarmed = start < frame.count && frame[start] == UInt8(ascii: ".")
    let first = isDisarmed ? start + 1 : start
    guard first + backendNamePrefix.count < frame.count,
      isReserved(frame.extracting(first..<first + backendNamePrefix.count))
    else { return nil }
    var end = first
    while end < frame.count, frame[end] != UInt8(ascii: "\""), frame[end] != 0 { end += 1 }
    guard end < frame.count, frame[end] == UInt8(ascii: "\"") else { return nil }
    let name = copiedBytes(in: frame, from: first, to: end)
    if isDisarmed { return (name, end) }
    let digits = String(decoding: name.dropFirst(backendNamePrefix.count), as: UTF8.self)
    guard digits.utf8.count == 8, let number = UInt32(digits, radix: 16),
      let own = names.name(client, of: StatementID(number))
    else { return nil }
    return (own, end)
  }
}
