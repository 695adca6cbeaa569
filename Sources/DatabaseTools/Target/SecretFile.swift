private import Glibc

/// Files that hold a password: one line of text, or a JSON object as AWS Secrets Manager stores it.
package enum SecretFile {
  /// A file with the password as its only line; one line end after it is not part of the password.
  package static func password(at path: String, from name: String) throws(Failure) -> TargetSource {
    var text = try read(path, name)
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    guard !text.isEmpty else { throw Failure("\(name): \(path) is empty") }
    guard !text.contains(where: \.isNewline) else {
      throw Failure(
        "\(name): \(path) has more than one line", hint: "the file holds the password and nothing else")
    }
    return TargetSource(name: name, password: Secret(text))
  }

  /// A JSON object with `username` and `password`, and perhaps `host`, `port`, `dbname`.
  /// Source: AWS Secrets Manager, "JSON structure of database secrets".
  package static func secret(at path: String, from name: String) throws(Failure) -> TargetSource {
    try secret(text: try read(path, name), path: path, from: name)
  }

  /// As ``secret(at:from:)``, from the file's text.
  static func secret(text: String, path: String, from name: String) throws(Failure) -> TargetSource {
    guard let json = JSONValue(parsing: text), case .object = json else {
      throw Failure(
        "\(name): \(path) is not a JSON object",
        hint:
          #"it looks like {"username": "app", "password": "…", "host": "db", "port": 5432, "dbname": "shop"}"#
      )
    }
    if let engine = json["engine"]?.text, !engine.lowercased().contains("postgres") {
      throw Failure("\(name): \(path) is a secret for \(engine), not for PostgreSQL")
    }
    var source = TargetSource(name: name)
    for (key, parameter) in [
      ("username", "user"), ("password", "password"), ("host", "host"), ("port", "port"),
      ("dbname", "dbname"),
    ] {
      switch json[key] {
      case nil, .null: continue
      case .some(let value):
        guard let text = value.text else {
          throw Failure("\(name): \(key) in \(path) is neither a text nor a number")
        }
        source.set(parameter, text)
      }
    }
    guard source.user != nil || source.password != nil else {
      throw Failure("\(name): \(path) has neither username nor password")
    }
    try LibPQParameter.check(source)
    return source
  }

  /// At most 64 kB: a secret is small, and the path may name anything.
  private static func read(_ path: String, _ name: String) throws(Failure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path, name, errno) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, name, errno) }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= 65536 else { throw Failure("\(name): \(path) is too large for a secret") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure("\(name): \(path) is not UTF-8 text")
    }
    return text
  }

  private static func unreadable(_ path: String, _ name: String, _ code: Int32) -> Failure {
    Failure("\(name): \(path) cannot be read: \(String(cString: strerror(code)))")
  }
}
