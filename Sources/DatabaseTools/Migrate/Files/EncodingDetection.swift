import Migrations

/// `detectEncoding`: what a script is written in, by its bytes. A byte order mark tells; else it is UTF-8 where
/// all of it is, and ISO-8859-1, which any bytes are, where not.
enum EncodingDetection {
  /// - Throws: `Failure` when the file cannot be read.
  static func encoding(of path: String) throws(Failure) -> TextEncoding {
    var isFirst = true
    var mark: TextEncoding?
    var decoder = TextDecoder(.utf8)
    do {
      try LocalFile.stream(path) { (chunk) throws(MigrationError) in
        if isFirst {
          isFirst = false
          if chunk.starts(with: [0xFE, 0xFF]) { mark = .utf16BigEndian }
          if chunk.starts(with: [0xFF, 0xFE]) { mark = .utf16LittleEndian }
        }
        // Nothing more needs to be known, and no other kind of end stops the stream.
        if mark != nil { throw .undecodable(TextEncoding.utf8.rawValue) }
        _ = try decoder.decode(copy chunk)
      }
    } catch {
      switch error {
      case .unreadable(let failure): throw failure
      case .body: return mark ?? .latin1
      }
    }
    return (try? decoder.finish()) == nil ? .latin1 : .utf8
  }
}
