import PostgresWire

/// Messages to a client in short words: `E:25P02`, `C:ROLLBACK`, `Z:I`, else the tag.
func said(_ bytes: [UInt8]) -> [String] {
  var words: [String] = []
  var offset = 0
  while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset),
    offset + header.length <= bytes.count
  {
    let letter = String(Character(Unicode.Scalar(header.tag)))
    switch header.tag {
    case BackendTag.errorResponse:
      let error = ErrorFields.read(in: bytes.span, at: offset, length: header.length)
      words.append("E:\(error?.sqlState ?? "")")
    case BackendTag.commandComplete:
      words.append("C:" + String(decoding: bytes[(offset + 5)..<(offset + header.length - 1)], as: UTF8.self))
    case BackendTag.readyForQuery: words.append("Z:" + String(Character(Unicode.Scalar(bytes[offset + 5]))))
    default: words.append(letter)  // the tag says it all
    }
    offset += header.length
  }
  return words
}
