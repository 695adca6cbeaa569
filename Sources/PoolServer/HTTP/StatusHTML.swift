import PostgresWire

/// The page at `/`: `status.html`, which is compiled into the executable. It fetches `/status.json` once a second.
enum StatusHTML {
  static let page: StatusPage = {
    let text = String(decoding: PackageResources.status_html, as: UTF8.self)
    var page = StatusPage(status: 200, contentType: "text/html; charset=utf-8", body: text)
    page.policy = policy(for: text)
    return page
  }()

  /// Only the page's own script and style run, known by their hashes; it may ask the pool and nobody else.
  /// Source: Content Security Policy Level 3, "hash-source".
  static func policy(for text: String) -> String {
    let script = hashes(of: "script", in: text)
    let style = hashes(of: "style", in: text)
    return "default-src 'none'; script-src \(script); style-src \(style); connect-src 'self'; img-src data:;"
      + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  }

  private static func hashes(of element: String, in text: String) -> String {
    var hashes: [String] = []
    var rest = text[...]
    while let begin = rest.firstRange(of: "<\(element)>") {
      rest = rest[begin.upperBound...]
      guard let end = rest.firstRange(of: "</\(element)>") else { break }
      let digest = SHA256Digest.of(Array(rest[..<end.lowerBound].utf8))
      hashes.append("'sha256-\(String(decoding: Base64.encoded(digest), as: UTF8.self))'")
      rest = rest[end.upperBound...]
    }
    return hashes.isEmpty ? "'none'" : hashes.joined(separator: " ")
  }
}
