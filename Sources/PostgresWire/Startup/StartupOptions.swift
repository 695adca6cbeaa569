/// What is wrong with the startup parameter `options`.
package enum StartupOptionsFault: Error, Equatable, Sendable {
  /// A word that sets no parameter: neither `-c name=value` nor `--name=value`.
  case unknownWord(String)

  /// A switch that names a parameter and gives it no value.
  case missingValue(String)

  /// The sentence for the client, in PostgreSQL's words.
  package var message: String {
    switch self {
    case .unknownWord(let word): "invalid command-line argument for server process: \(word)"
    case .missingValue(let word): "\(word) requires a value"
    }
  }

  /// PostgreSQL's SQLSTATE for both: syntax_error.
  package var sqlState: String { "42601" }
}

/// The settings that the startup parameter `options` makes, in their order: `-c a=b`, `-ca=b` and `--a=b`,
/// where a dash in the name stands for an underscore. Blanks separate words; a backslash takes the meaning
/// from the byte behind it.
///
/// The server's other switches (`-e`, `-B`, …) are refused: behind a pool they could not follow the client.
///
/// Source: PostgreSQL manual, "Options" of libpq and of the `postgres` command; `pg_split_opts` and
/// `ParseLongOption`.
package func parseOptions(_ value: [UInt8]) -> Result<[StartupParameter], StartupOptionsFault> {
  var settings: [StartupParameter] = []
  var words = splitOptions(value)[...]
  while let word = words.popFirst() {
    let argument: ArraySlice<UInt8>
    let switchName: String
    if word == Array("-c".utf8) {
      guard let next = words.popFirst() else { return .failure(.missingValue("-c")) }
      (argument, switchName) = (next[...], "-c ")
    } else if word.starts(with: "-c".utf8) {
      (argument, switchName) = (word.dropFirst(2), "-c ")
    } else if word.starts(with: "--".utf8) {
      (argument, switchName) = (word.dropFirst(2), "--")
    } else {
      return .failure(.unknownWord(String(decoding: word, as: UTF8.self)))
    }
    guard let equals = argument.firstIndex(of: UInt8(ascii: "=")) else {
      if argument.isEmpty { return .failure(.unknownWord(String(decoding: word, as: UTF8.self))) }
      return .failure(.missingValue(switchName + String(decoding: argument, as: UTF8.self)))
    }
    let name = argument[..<equals].map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    guard !name.isEmpty, let text = String(validating: name, as: UTF8.self) else {
      return .failure(.unknownWord(String(decoding: word, as: UTF8.self)))
    }
    settings.append(StartupParameter(name: text, value: Array(argument[(equals + 1)...])))
  }
  return .success(settings)
}

/// The words of `options`. A backslash at the very end stands for nothing, as in PostgreSQL.
private func splitOptions(_ value: [UInt8]) -> [[UInt8]] {
  var words: [[UInt8]] = []
  var word: [UInt8]?
  var isEscaped = false
  for byte in value {
    if isEscaped {
      word?.append(byte)
      isEscaped = false
    } else if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
      if let finished = word { words.append(finished) }
      word = nil
    } else {
      if word == nil { word = [] }
      if byte == UInt8(ascii: "\\") { isEscaped = true } else { word?.append(byte) }
    }
  }
  if let finished = word { words.append(finished) }
  return words
}
