/// What is wrong with the startup parameter `options`.
package enum StartupOptionsFault: Error, Equatable, Sendable {
  /// A word that sets no parameter, or a switch without its argument.
  case unknownWord(String)

  /// A name that no parameter has.
  case unknownParameter(String)

  /// A switch that names a parameter and gives it no value.
  case missingValue(String)

  /// The sentence for the client, in PostgreSQL's words.
  package var message: String {
    switch self {
    case .unknownWord(let word): "invalid command-line argument for server process: \(word)"
    case .unknownParameter(let name): "unrecognized configuration parameter \"\(name)\""
    case .missingValue(let word): "\(word) requires a value"
    }
  }

  package var hint: String? {
    switch self {
    case .unknownWord: "Try \"postgres --help\" for more information."
    case .unknownParameter, .missingValue: nil
    }
  }

  /// PostgreSQL's: syntax_error, undefined_object.
  package var sqlState: String {
    switch self {
    case .unknownWord, .missingValue: "42601"
    case .unknownParameter: "42704"
    }
  }
}

/// The settings that the startup parameter `options` makes, in their order: `-c a=b`, `-ca=b` and `--a=b`,
/// where a dash in the name stands for an underscore, and the server's short switches (`-e`, `-S 4MB`, …), each by
/// the setting that it stands for. Blanks separate words; a backslash takes the meaning from the byte behind it.
///
/// Source: PostgreSQL manual, "Options" of libpq and of the `postgres` command; `pg_split_opts`,
/// `process_postgres_switches` and `ParseLongOption`.
package func parseOptions(_ value: [UInt8]) -> Result<[StartupParameter], StartupOptionsFault> {
  var settings: [StartupParameter] = []
  var words = splitOptions(value)[...]
  while let word = words.popFirst() {
    let fault = StartupOptionsFault.unknownWord(String(decoding: word, as: UTF8.self))
    if word == Array("--".utf8) {
      // The end of switches; nothing may follow them.
      guard let rest = words.first else { break }
      return .failure(.unknownWord(String(decoding: rest, as: UTF8.self)))
    }
    guard word.first == UInt8(ascii: "-"), word.count > 1 else { return .failure(fault) }
    // As getopt: letters that take nothing may share a word, and an argument may stand in the letter's own.
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let meaning = ServerSwitch(letter) else { return .failure(fault) }
      var argument: [UInt8] = []
      var own = fault
      if meaning.takesArgument {
        if letters.isEmpty {
          guard letter != UInt8(ascii: "-"), let next = words.popFirst() else { return .failure(fault) }
          argument = next
          own = .unknownWord(String(decoding: next, as: UTF8.self))
        } else {
          argument = Array(letters)
        }
        letters = []
      }
      switch meaning.settings(argument, letter) {
      case .success(let made): settings += made
      case .failure(.unknownWord): return .failure(own)
      case .failure(let fault): return .failure(fault)
      }
    }
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
