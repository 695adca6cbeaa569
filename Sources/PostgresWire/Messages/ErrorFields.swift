/// The fields of an ErrorResponse or a NoticeResponse: a server's, or a refusal of our own.
///
/// Nothing is taken for granted about a server's fields: each may be missing, and those that nobody knows yet
/// are kept. Source: PostgreSQL manual, "Error and Notice Message Fields".
package struct ErrorFields: Error, Equatable, Sendable {
  /// How bad it is. The raw value is the word on the wire.
  package enum Severity: String, Equatable, Sendable {
    case error = "ERROR"
    case fatal = "FATAL"
    case panic = "PANIC"
    case warning = "WARNING"
    case notice = "NOTICE"
    case debug = "DEBUG"
    case info = "INFO"
    case log = "LOG"
  }

  /// A field by the letter that the protocol gives it.
  package struct Field: Equatable, Sendable {
    package var code: UInt8
    package var text: String

    package init(code: UInt8, text: String) {
      self.code = code
      self.text = text
    }
  }

  /// Every field, in the order in which they came or will be sent.
  package var fields: [Field]

  package init(fields: [Field]) {
    self.fields = fields
  }

  /// A refusal of our own.
  package init(
    severity: Severity, sqlState: String, message: String, detail: String? = nil, hint: String? = nil
  ) {
    fields = []
    self.severity = severity.rawValue
    severityV = severity.rawValue
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
  }

  /// The fields in `bytes[body]`: what lies behind the header of an ErrorResponse or NoticeResponse. Never
  /// refuses: a text without its end reaches to the end of the body, bytes behind the last field are ignored.
  package static func read(in bytes: Span<UInt8>, body: Range<Int>) -> ErrorFields {
    var fields: [Field] = []
    let end = min(body.upperBound, bytes.count)
    var position = max(0, body.lowerBound)
    while position < end, bytes[position] != 0 {
      let textEnd = terminator(in: bytes, from: position + 1, limit: end) ?? end
      fields.append(
        Field(code: bytes[position], text: copiedText(in: bytes, from: position + 1, to: textEnd)))
      position = textEnd + 1
    }
    return ErrorFields(fields: fields)
  }

  /// The fields of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it does
  /// not lie inside `bytes`.
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> ErrorFields? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    return read(in: bytes, body: offset + FrameHeader.size..<end)
  }

  /// The text of the field with the letter `code`; set to nil, it is left out. Of duplicates the first
  /// counts.
  package subscript(_ code: Unicode.Scalar) -> String? {
    get {
      guard code.isASCII else { return nil }
      return fields.first { $0.code == UInt8(ascii: code) }?.text
    }
    set {
      guard code.isASCII, code.value != 0 else { return }
      let known = fields.firstIndex { $0.code == UInt8(ascii: code) }
      switch (known, newValue) {
      case (let index?, let text?): fields[index].text = text
      case (let index?, nil): fields.remove(at: index)
      case (nil, let text?): fields.append(Field(code: UInt8(ascii: code), text: text))
      case (nil, nil): break
      }
    }
  }
}
