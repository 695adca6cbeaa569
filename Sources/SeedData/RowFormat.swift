/// How rows are written: for COPY, or for files that others read.
package enum RowFormat: String, Sendable, CaseIterable {
  /// COPY's text format. Source: PostgreSQL manual, COPY, "Text Format".
  case copy
  /// RFC 4180, as COPY's `FORMAT csv` reads it: NULL is nothing at all, an empty text is `""`.
  case csv
  /// A list of literals in parentheses, for `VALUES`.
  case sql
  /// One JSON object. Numbers are numbers where the plan makes numbers; all else is text.
  case jsonl

  func open(_ bytes: inout [UInt8]) {
    switch self {
    case .copy, .csv: break
    case .sql: bytes.append(UInt8(ascii: "("))
    case .jsonl: bytes.append(UInt8(ascii: "{"))
    }
  }

  func separate(_ bytes: inout [UInt8]) {
    switch self {
    case .copy: bytes.append(UInt8(ascii: "\t"))
    case .csv, .jsonl: bytes.append(UInt8(ascii: ","))
    case .sql:
      bytes.append(UInt8(ascii: ","))
      bytes.append(UInt8(ascii: " "))
    }
  }

  /// Ends the row: with a newline, but for what stands inside a statement.
  func close(_ bytes: inout [UInt8]) {
    switch self {
    case .copy, .csv: bytes.append(UInt8(ascii: "\n"))
    case .sql: bytes.append(UInt8(ascii: ")"))
    case .jsonl:
      bytes.append(UInt8(ascii: "}"))
      bytes.append(UInt8(ascii: "\n"))
    }
  }

  func appendNull(_ bytes: inout [UInt8]) {
    switch self {
    case .copy:
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(UInt8(ascii: "N"))
    case .csv: break
    case .sql: bytes.append(contentsOf: Array("NULL".utf8))
    case .jsonl: bytes.append(contentsOf: Array("null".utf8))
    }
  }

  /// - Parameter isNumber: the text is a whole number, which no format needs to quote.
  func append(_ source: [UInt8], _ range: Range<Int>, isNumber: Bool, to bytes: inout [UInt8]) {
    // SQL's literals are all quoted: then a number fits a column of any type, as it does in COPY.
    if isNumber, self != .sql {
      for index in range { bytes.append(source[index]) }
      return
    }
    switch self {
    case .copy: CopyText.append(source, range, to: &bytes)
    case .csv: Self.appendCSV(source, range, to: &bytes)
    case .sql: Self.appendLiteral(source, range, to: &bytes)
    case .jsonl: Self.appendJSON(source, range, to: &bytes)
    }
  }

  /// A header row of CSV.
  package static func csvHeader(_ names: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, name) in names.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      let name = Array(name.utf8)
      appendCSV(name, name.indices, to: &bytes)
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  private static func appendCSV(_ source: [UInt8], _ range: Range<Int>, to bytes: inout [UInt8]) {
    // `\.` alone on a line ended the data for psql before version 18.
    let needsQuotes =
      range.isEmpty || source[range.lowerBound] == UInt8(ascii: "\\")
      || source[range].contains {
        $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n")
          || $0 == UInt8(ascii: "\r")
      }
    guard needsQuotes else {
      for index in range { bytes.append(source[index]) }
      return
    }
    bytes.append(UInt8(ascii: "\""))
    for index in range {
      if source[index] == UInt8(ascii: "\"") { bytes.append(UInt8(ascii: "\"")) }
      bytes.append(source[index])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// `'it''s'`; with a backslash `E'…'`, which means the same whatever `standard_conforming_strings` says. Nor is
  /// `${` left as it is: in a migration it would begin a placeholder.
  private static func appendLiteral(_ source: [UInt8], _ range: Range<Int>, to bytes: inout [UInt8]) {
    let isEscaped = range.contains { index in
      source[index] == UInt8(ascii: "\\") || isPlaceholder(source, index, range)
    }
    if isEscaped { bytes.append(UInt8(ascii: "E")) }
    bytes.append(UInt8(ascii: "'"))
    for index in range {
      let byte = source[index]
      if index > range.lowerBound, isPlaceholder(source, index - 1, range) {
        bytes.append(contentsOf: Array("\\x7B".utf8))
        continue
      }
      if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "'"))
  }

  private static func isPlaceholder(_ source: [UInt8], _ index: Int, _ range: Range<Int>) -> Bool {
    source[index] == UInt8(ascii: "$") && index + 1 < range.upperBound
      && source[index + 1] == UInt8(ascii: "{")
  }

  static func appendJSON(_ source: [UInt8], _ range: Range<Int>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for index in range {
      let byte = source[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        bytes.append(contentsOf: Array("\\u".utf8))
        bytes.append(hex: UInt64(byte) << 48, digits: 4)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
