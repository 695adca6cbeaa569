// The fields under the manual's names. A server may leave out any of them, also those that it must send: the
// three texts that everyone shows are empty then.

extension ErrorFields {
  /// The severity in the server's language, for people.
  package var severity: String {
    get { self["S"] ?? severityV ?? "" }
    set { self["S"] = newValue }
  }

  /// The severity untranslated, for programs; PostgreSQL sends it from 9.6 on.
  package var severityV: String? {
    get { self["V"] }
    set { self["V"] = newValue }
  }

  /// The SQLSTATE: five letters or digits, or empty.
  package var sqlState: String {
    get { self["C"] ?? "" }
    set { self["C"] = newValue }
  }

  /// The primary message, usually one line.
  package var message: String {
    get { self["M"] ?? "" }
    set { self["M"] = newValue }
  }

  package var detail: String? {
    get { self["D"] }
    set { self["D"] = newValue }
  }

  package var hint: String? {
    get { self["H"] }
    set { self["H"] = newValue }
  }

  /// Where in the query's text the error is, in characters from 1. Nil when absent or not a number.
  package var position: Int? {
    get { self["P"].flatMap { Int($0) } }
    set { self["P"] = newValue.map { String($0) } }
  }

  /// As ``position``, in ``internalQuery``.
  package var internalPosition: Int? {
    get { self["p"].flatMap { Int($0) } }
    set { self["p"] = newValue.map { String($0) } }
  }

  package var internalQuery: String? {
    get { self["q"] }
    set { self["q"] = newValue }
  }

  /// The call stack of what the server was doing, the innermost first, one per line.
  package var `where`: String? {
    get { self["W"] }
    set { self["W"] = newValue }
  }

  package var schema: String? {
    get { self["s"] }
    set { self["s"] = newValue }
  }

  package var table: String? {
    get { self["t"] }
    set { self["t"] = newValue }
  }

  package var column: String? {
    get { self["c"] }
    set { self["c"] = newValue }
  }

  package var dataType: String? {
    get { self["d"] }
    set { self["d"] = newValue }
  }

  package var constraint: String? {
    get { self["n"] }
    set { self["n"] = newValue }
  }

  /// The file of the server's source that reported the error.
  package var file: String? {
    get { self["F"] }
    set { self["F"] = newValue }
  }

  package var line: Int? {
    get { self["L"].flatMap { Int($0) } }
    set { self["L"] = newValue.map { String($0) } }
  }

  package var routine: String? {
    get { self["R"] }
    set { self["R"] = newValue }
  }

  /// Whether the server ends the session with it.
  package var isFatal: Bool {
    switch Severity(rawValue: severityV ?? severity) {
    case .fatal, .panic: true
    case .error, .warning, .notice, .debug, .info, .log, nil: false
    }
  }

  /// Fields that none of the names above stands for: from a server newer than this tool.
  package var others: [Field] {
    fields.filter { !"SVCMDHPpqWstcdnFLR".utf8.contains($0.code) }
  }
}
