extension AccessRules {
  /// The rules of a file.
  /// - Throws: ``AccessFileFault`` for the first line that cannot be understood: a rule that is not understood must
  ///   not let anybody in by falling away.
  package init(_ text: String) throws(AccessFileFault) {
    var rules: [Rule] = []
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      var reader = RuleLine(line, number: number + 1)
      if let rule = try reader.rule() { rules.append(rule) }
    }
    self.init(rules)
  }
}

/// One line of a file of rules.
private struct RuleLine {
  private struct Word {
    var text: [UInt8] = []
    var isQuoted = false

    var plain: String { String(decoding: text, as: UTF8.self) }
  }

  private var rest: ArraySlice<UInt8>
  private let number: Int

  init(_ line: some StringProtocol, number: Int) {
    rest = Array(line.utf8)[...]
    self.number = number
  }

  private func fault(_ what: String) -> AccessFileFault { AccessFileFault(line: number, what: what) }

  mutating func rule() throws(AccessFileFault) -> AccessRules.Rule? {
    var fields: [[Word]] = []
    while let field = try field() { fields.append(field) }
    guard !fields.isEmpty else { return nil }
    func single(_ index: Int, _ what: String) throws(AccessFileFault) -> String {
      guard index < fields.count else { throw fault("the line ends before its \(what)") }
      guard fields[index].count == 1 else { throw fault("several values where one \(what) was expected") }
      return fields[index][0].plain
    }
    let type = try single(0, "connection type")
    guard let connection = AccessRules.Connection(rawValue: type) else {
      throw fault("invalid connection type \"\(type)\": local, host, hostssl and hostnossl are known")
    }
    guard fields.count > 2 else {
      throw fault("the line ends before its \(fields.count == 1 ? "database" : "user")")
    }
    let databases = try fields[1].map { word throws(AccessFileFault) in try name(word, isDatabase: true) }
    let users = try fields[2].map { word throws(AccessFileFault) in try name(word, isDatabase: false) }
    var next = 3
    var network: Network?
    if connection != .local {
      let address = try single(next, "address")
      next += 1
      if address != "all" {
        network = try self.network(address, mask: next < fields.count ? fields[next][0].plain : nil, &next)
      }
    }
    let word = try single(next, "method")
    guard let method = AccessRules.Method(rawValue: word) else {
      throw fault(
        "invalid authentication method \"\(word)\": "
          + AccessRules.Method.allCases.map(\.rawValue).joined(separator: ", ") + " are known")
    }
    if method == .peer || method == .trust, connection != .local {
      throw fault("\(word) is for local connections only")
    }
    if method == .cert, connection != .hostssl { throw fault("cert is for hostssl connections only") }
    guard next + 1 == fields.count else {
      throw fault("\"\(fields[next + 1][0].plain)\" behind the method: options are not served")
    }
    return AccessRules.Rule(
      line: number, connection: connection, databases: databases, users: users, network: network,
      method: method)
  }

  private func name(_ word: Word, isDatabase: Bool) throws(AccessFileFault) -> AccessRules.Name {
    if word.isQuoted { return .name(word.text) }
    switch word.plain {
    case "all": return .all
    case "sameuser" where isDatabase: return .sameuser
    case "replication" where isDatabase: return .replication
    case "samerole" where isDatabase, "samegroup" where isDatabase:
      throw fault("\(word.plain) is not served: the pool does not know who is a member of which role")
    case let text where text.hasPrefix("+") || text.hasPrefix("@") || text.hasPrefix("/"):
      throw fault("\"\(text)\" is not served: name users and databases one by one, or say all")
    default: return .name(word.text)
    }
  }

  private func network(
    _ text: String, mask: String?, _ next: inout Int
  ) throws(AccessFileFault) -> Network {
    if text == "samehost" || text == "samenet" { throw fault("\(text) is not served: name the network") }
    if text.contains("/") {
      guard let network = Network(text) else { throw fault("invalid network \"\(text)\"") }
      return network
    }
    guard let address = NetworkAddress(text) else {
      throw fault("\"\(text)\" is no address: host names are not served")
    }
    guard let mask, let maskAddress = NetworkAddress(mask) else {
      throw fault("the address \(text) has neither a prefix length, as \(text)/32, nor a mask behind it")
    }
    guard let network = Network(address, mask: maskAddress) else { throw fault("invalid mask \"\(mask)\"") }
    next += 1
    return network
  }

  // MARK: Words

  /// The words of the next field, with commas between them; `nil` at the end or before a comment.
  private mutating func field() throws(AccessFileFault) -> [Word]? {
    skipBlanks()
    guard let first = rest.first, first != UInt8(ascii: "#") else { return nil }
    var words = [try word()]
    while true {
      skipBlanks()
      guard rest.first == UInt8(ascii: ",") else { return words }
      rest.removeFirst()
      skipBlanks()
      words.append(try word())
    }
  }

  private mutating func word() throws(AccessFileFault) -> Word {
    var word = Word()
    var isInside = false
    while let byte = rest.first {
      if byte == UInt8(ascii: "\"") {
        word.isQuoted = true
        rest.removeFirst()
        if isInside, rest.first == byte {
          word.text.append(byte)
          rest.removeFirst()
        } else {
          isInside.toggle()
        }
        continue
      }
      if !isInside, Self.isBlank(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "#") { break }
      word.text.append(byte)
      rest.removeFirst()
    }
    guard !isInside else { throw fault("a quote is not closed") }
    guard !word.text.isEmpty || word.isQuoted else { throw fault("a value is missing beside a comma") }
    return word
  }

  private mutating func skipBlanks() { rest = rest.drop(while: Self.isBlank) }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
