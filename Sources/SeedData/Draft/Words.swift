/// What columns are likely to hold, by their names.
enum Words {
  enum Value {
    case list([String])
    case template(String)
    case hex(Int)
  }

  static func has(_ name: String, _ words: [String]) -> Bool {
    let name = name.lowercased()
    return words.contains { name.contains($0) }
  }

  static func isEarly(_ name: String) -> Bool {
    has(
      name,
      [
        "start", "begin", "from", "open", "rental_date", "create", "hired", "order_date", "checkin",
        "check_in",
      ])
  }

  static func isLate(_ name: String) -> Bool {
    has(
      name,
      [
        "end", "finish", "until", "close", "return", "deliver", "ship", "complete", "checkout", "check_out",
        "_to",
      ])
  }

  static func isFuture(_ name: String) -> Bool {
    has(name, ["expire", "expiry", "due", "until", "valid_to"])
  }

  /// `public.film_actors` → `film_actor`, or `Film actor`.
  static func singular(_ table: String, isLower: Bool) -> String {
    let name = table.split(separator: ".").last.map { String($0) } ?? table
    var word = String(name.lowercased().map { $0.isLetter && $0.isASCII || $0 == "_" ? $0 : "-" })
    if word.hasSuffix("ies") {
      word = word.dropLast(3) + "y"
    } else if word.hasSuffix("s"), !word.hasSuffix("ss"), !word.hasSuffix("us") {
      word.removeLast()
    }
    word = word.replacing("_", with: isLower ? "-" : " ")
    return word.isEmpty ? "row" : word
  }

  static func title(_ table: String) -> String {
    let word = singular(table, isLower: false)
    return word.prefix(1).uppercased() + word.dropFirst()
  }

  /// A likely range of whole numbers.
  static func range(_ name: String) -> (Double, Double) {
    let ranges: [([String], Double, Double)] = [
      (["year"], 1990, 2025), (["month"], 1, 12), (["day"], 1, 28), (["hour"], 0, 23), (["minute"], 0, 59),
      (["percent", "pct", "discount"], 0, 50), (["tax", "rate"], 0, 20),
      (["rating", "score", "stars"], 1, 5),
      (["latitude"], -89, 89), (["longitude"], -179, 179), (["age"], 18, 90),
      (["cents", "price", "amount", "total", "cost", "salary", "balance", "credit"], 100, 100_000),
      (["quantity", "qty", "stock", "count"], 1, 100), (["priority", "level"], 1, 5),
    ]
    let parts = name.lowercased().split { !$0.isLetter }.map { String($0) }
    for (words, low, high) in ranges where parts.contains(where: { words.contains($0) }) {
      return (low, high)
    }
    return (1, 1000)
  }

  static func value(_ column: String, table: String) -> Value {
    let isPerson = has(
      table,
      [
        "user", "person", "people", "customer", "staff", "employee", "actor", "author", "member", "contact",
        "account",
      ])
    let name = column.lowercased()
    let parts = name.split { !$0.isLetter }.map { String($0) }
    func says(_ words: String...) -> Bool { words.contains { parts.contains($0) } }
    if has(name, ["mail"]) { return .template("\(singular(table, isLower: true)){n}@example.com") }
    // Numbers that are reserved for fiction.
    if says("phone", "mobile", "fax", "tel", "telephone") {
      return .list(["555-0101", "555-0112", "555-0134", "555-0156", "555-0178", "555-0199"])
    }
    if says("url", "link", "uri", "website", "site", "homepage", "image", "avatar", "photo") {
      return .template("https://example.com/\(singular(table, isLower: true))/{n}")
    }
    if says("hash", "password", "token", "secret", "digest", "checksum") { return .hex(40) }
    if has(name, ["first_name", "firstname", "given", "forename"]) || says("first") {
      return .list(firstNames)
    }
    if has(name, ["last_name", "lastname", "surname", "family"]) || says("last") { return .list(lastNames) }
    if says("slug", "handle", "login", "username", "code", "key", "sku") {
      return .template("\(singular(table, isLower: true))-{n}")
    }
    if says("city", "town") { return .list(["Bergen", "Köln", "Lyon", "Mérida", "Porto", "Wrocław"]) }
    if says("country") {
      return .list(["Norway", "Germany", "France", "Mexico", "Portugal", "Poland", "NO", "DE"])
    }
    if says("state", "region", "province", "county", "district") {
      return .list(["North", "South", "East", "West", "NO", "SO"])
    }
    if says("address", "street", "line") { return .template("{n} Station Road") }
    if says("zip", "postal", "postcode") { return .template("{n:05}") }
    if says("currency") { return .list(["EUR", "USD", "GBP"]) }
    if says("locale", "language", "lang") { return .list(["en", "de", "fr", "pt"]) }
    if says("timezone", "tz") { return .list(["UTC", "Europe/Berlin", "America/New_York"]) }
    if says("color", "colour") { return .list(["red", "green", "blue", "grey"]) }
    if says("status", "state") { return .list(["new", "open", "done"]) }
    if says("type", "kind", "category") { return .list(["basic", "plus", "other"]) }
    if says("gender", "sex") { return .list(["f", "m", "x"]) }
    if says("ip") { return .list(["192.0.2.1", "198.51.100.4"]) }
    if says(
      "description", "body", "content", "text", "notes", "note", "comment", "bio", "summary", "message",
      "excerpt")
    {
      return .list([
        "A short text that says what has to be said.", "Written on a quiet morning, and not changed since.",
        "Two sentences are enough. This is the second.", "See the other one for the details.",
      ])
    }
    if isPerson, says("name") {
      return .list(["Amélie Laurent", "Björn Ek", "Chiara Ricci", "Đặng Minh", "Noor Haddad", "Zoë Brandt"])
    }
    if says("name", "title", "subject", "headline", "label") { return .template("\(title(table)) {n}") }
    return .template("\(title(column)) {n}")
  }

  private static let firstNames = ["Amélie", "Björn", "Chiara", "Dmitri", "Minh", "Noor", "Søren", "Zoë"]
  private static let lastNames = [
    "Brandt", "Ek", "Haddad", "Kowalska", "Laurent", "Nguyễn", "O'Neill", "Ricci",
  ]
}
