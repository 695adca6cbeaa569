import LibPQ
import Testing

@Suite("A connection that could not be made")
struct ConnectionFailureTests {
  // The texts are libpq 15.18's with PQERRORS_VERBOSE, against a server with a wrong password and none at all.
  static let refused = """
    connection to server at "127.0.0.1", port 5432 failed: FATAL:  28P01: password authentication failed for \
    user "app"
    LOCATION:  auth_failed, auth.c:326

    """
  static let nobody = """
    connection to server at "127.0.0.1", port 1 failed: Connection refused
    \tIs the server running on that host and accepting TCP/IP connections?

    """

  @Test("the SQLSTATE is taken out of the server's verbose words, and the source's location with it")
  func sqlState() {
    let failure = ConnectionFailure(verbose: Self.refused, hiding: [])
    #expect(failure.sqlState == "28P01")
    #expect(
      failure.message
        == #"connection to server at "127.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "app""#
    )
    #expect(failure.isAuthentication)
    #expect(!failure.isTransient)
  }

  @Test("a server that was not reached gives no SQLSTATE and is worth another try")
  func notReached() {
    let failure = ConnectionFailure(verbose: Self.nobody, hiding: [])
    #expect(failure.sqlState == nil)
    #expect(failure.isTransient)
    #expect(!failure.isAuthentication)
  }

  @Test(
    "a starting or full server is worth another try, a missing database is not",
    arguments: [("57P03", true), ("53300", true), ("3D000", false), ("28000", false)])
  func transient(_ sqlState: String, _ expected: Bool) {
    let text = "connection to server failed: FATAL:  \(sqlState): words\n"
    #expect(ConnectionFailure(verbose: text, hiding: []).isTransient == expected)
  }

  @Test("the severity may be in any language")
  func translated() {
    let text = "Verbindung fehlgeschlagen: SCHWERWIEGEND:  3D000: Datenbank »x« existiert nicht\n"
    #expect(ConnectionFailure(verbose: text, hiding: []).sqlState == "3D000")
  }

  @Test("a password in the words is hidden")
  func hidden() {
    let text = #"could not translate host name "s3cret@db" to address"# + "\n"
    let failure = ConnectionFailure(verbose: text, hiding: ["s3cret"])
    #expect(failure.message == #"could not translate host name "****@db" to address"#)
  }

  @Test("a class 08 error and a server that goes away mean a lost connection", arguments: ["08006", "57P01"])
  func lost(_ sqlState: String) {
    #expect(ServerError(sqlState: sqlState, message: "").isConnectionLost)
    #expect(!ServerError(sqlState: "57014", message: "").isConnectionLost)
  }
}

@Suite("Redaction")
struct RedactionTests {
  @Test(
    "every occurrence of every secret is replaced, the longest first",
    arguments: [
      (["abc"], "abc and abc", "**** and ****"),
      (["ab", "abc"], "xabcx ab", "x****x ****"),
      ([""], "nothing", "nothing"),
      (["pässwörd"], "a pässwörd b", "a **** b"),
      (["aa"], "aaa", "****a"),
      (["long secret"], "short", "short"),
    ])
  func hiding(_ secrets: [String], _ text: String, _ expected: String) {
    #expect(Redaction.hiding(secrets, in: text) == expected)
  }
}
