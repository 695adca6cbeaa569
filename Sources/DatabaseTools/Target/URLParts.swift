/// What URLs of both kinds have in common: percent-encoding, host lists, query strings.
enum URLParts {
  static let encodingHint =
    "in a URL, write these characters of user and password percent-encoded: @ is %40, : %3A, / %2F, ? %3F, # %23, % %25"

  /// Decodes `%XX`. Source: libpq `conninfo_uri_decode`: bad digits and `%00` are errors.
  static func decoded(_ text: Substring, _ part: String, of name: String) throws(Failure) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit),
        high + low > 0
      else {
        throw .usage(
          "\(name): a % in the \(part) is not followed by two hexadecimal digits", hint: encodingHint)
      }
      bytes.append(high * 16 + low)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .usage("\(name): the \(part) is not UTF-8 after percent-decoding")
    }
    return text
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// `host`, `host:port`, `[::1]:port`, `%2Fsocket%2Ffolder`, several with commas.
  /// - Returns: hosts and ports as libpq wants them; an empty list item stays empty, which means the default.
  static func hosts(_ text: Substring, of name: String) throws(Failure) -> (hosts: [String], ports: [String])
  {
    var hosts: [String] = []
    var ports: [String] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let (host, port) = try hostAndPort(item, of: name)
      hosts.append(host)
      ports.append(port)
    }
    return (hosts, ports)
  }

  private static func hostAndPort(
    _ item: Substring, of name: String
  ) throws(Failure) -> (String, String) {
    let host: String
    var rest = item
    if item.hasPrefix("[") {
      guard let end = item.firstIndex(of: "]") else {
        throw .usage("\(name): an IPv6 address begins with [ but has no ]")
      }
      host = String(item[item.index(after: item.startIndex)..<end])
      rest = item[item.index(after: end)...]
      guard !host.isEmpty, host.utf8.allSatisfy({ isAddressByte($0) }) else {
        throw .usage("\(name): what stands between [ and ] is not an IPv6 address")
      }
      guard rest.isEmpty || rest.hasPrefix(":") else {
        throw .usage("\(name): after an IPv6 address in [ ] only :PORT, a comma or / can follow")
      }
    } else {
      let end = item.firstIndex(of: ":") ?? item.endIndex
      host = try decoded(item[..<end], "host", of: name)
      rest = item[end...]
    }
    guard !rest.isEmpty else { return (host, "") }
    let port = rest.dropFirst()
    guard port.isEmpty || isPort(port) else {
      // What stands here may be half of a password: it is not repeated.
      throw .usage("\(name): the port is not a number from 1 to 65535", hint: encodingHint)
    }
    return (host, String(port))
  }

  static func isPort(_ text: some StringProtocol) -> Bool {
    text.utf8.allSatisfy { (48...57).contains($0) } && (Int(text).map { (1...65535).contains($0) } ?? false)
  }

  /// Hexadecimal digits, `:`, `.` and a zone `%eth0`.
  private static func isAddressByte(_ byte: UInt8) -> Bool {
    digit(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "%")
      || (UInt8(ascii: "g")...UInt8(ascii: "z")).contains(byte)
  }

  /// `a=1&b=2`, decoded.
  static func query(_ text: Substring, of name: String) throws(Failure) -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = []
    for item in text.split(separator: "&") {
      guard let equals = item.firstIndex(of: "=") else {
        throw .usage("\(name): a parameter after the ? has no =", hint: encodingHint)
      }
      let key = try decoded(item[..<equals], "parameter's name", of: name)
      let value = try decoded(item[item.index(after: equals)...], "value of \(shown(key))", of: name)
      result.append((key, value))
    }
    return result
  }

  /// A parameter's name as a message may show it: a plain word; anything else may come from a password that
  /// was not encoded.
  static func shown(_ key: String) -> String {
    let isWord =
      key.utf8.allSatisfy {
        (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 46
      } && (1...40).contains(key.utf8.count)
    return isWord ? key : "a parameter"
  }

  /// Whether a `?` or `/` that belongs to a password may have been taken for the end of the host part.
  static func mayHoldPassword(authority: Substring, rest: Substring) -> Bool {
    !authority.contains("@") && rest.contains("@")
  }
}
