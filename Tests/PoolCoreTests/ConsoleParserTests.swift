import PoolCore
import PostgresWire
import Testing

@Suite("What is typed at the console") struct ConsoleParserTests {
  private func commands(_ text: String) -> [ConsoleCommand]? {
    try? ConsoleParser.commands(in: Array(text.utf8))
  }

  private func error(_ text: String) -> ErrorFields? {
    do throws(ErrorFields) {
      _ = try ConsoleParser.commands(in: Array(text.utf8))
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "case, blanks, comments and semicolons do not matter",
    arguments: [
      "SHOW POOLS", "show pools;", " sHoW\n\tpools ; ", "/* who */ SHOW -- what\n POOLS", "SHOW \"POOLS\"",
      "SELECT pools", ";;show pools;;",
    ])
  func spelling(text: String) {
    #expect(commands(text) == [.show(.pools)])
  }

  @Test("nothing is no command, and several are several")
  func counts() {
    #expect(commands("") == [])
    #expect(commands(" -- ping\n;") == [])
    #expect(
      commands("SHOW LISTS; PAUSE shop;SHOW state") == [
        .show(.lists), .order(.pause("shop")), .show(.state),
      ])
    #expect(error(String(repeating: "SHOW CLIENTS;", count: 101))?.sqlState == "54000")
    #expect(commands(String(repeating: "SHOW CLIENTS;", count: 100))?.count == 100)
  }

  @Test("every SHOW is known by its name", arguments: ConsoleView.allCases)
  func views(view: ConsoleView) {
    #expect(commands("SHOW \(view.rawValue.uppercased())") == [.show(view)])
  }

  @Test(
    "orders, with a database as it is written",
    arguments: [
      ("PAUSE", ConsoleOrder.pause(nil)), ("pause Shop", .pause("Shop")),
      ("PAUSE \"my \"\"db\"\"\"", .pause("my \"db\"")), ("RESUME 'shop'", .resume("shop")),
      ("RECONNECT", .reconnect(nil)), ("KILL shop", .kill("shop")), ("KILL_CLIENT 17", .killClient(17)),
      ("KILL_CLIENT 0x632c8001", .killClient(0x632c_8001)), ("DISABLE shop", .disable("shop")),
      ("ENABLE shop", .enable("shop")), ("WAIT_CLOSE", .waitClose(nil)), ("RELOAD", .reload),
      ("SHUTDOWN", .shutdown(.immediate)), ("SHUTDOWN WAIT_FOR_SERVERS", .shutdown(.afterTransactions)),
      ("shutdown wait_for_clients", .shutdown(.afterClients)), ("SUSPEND", .suspend),
      ("SET borrow_timeout = '3s'", .set(key: "borrow_timeout", value: "3s")),
      ("set Borrow_Timeout to 3", .set(key: "borrow_timeout", value: "3")),
      ("SET pool_mode=session", .set(key: "pool_mode", value: "session")),
      ("SET query_timeout = 'it''s'", .set(key: "query_timeout", value: "it's")),
    ])
  func orders(text: String, order: ConsoleOrder) {
    #expect(commands(text) == [.order(order)])
  }

  @Test("what drivers say by themselves is accepted")
  func drivers() {
    #expect(commands("SELECT 1") == [.one])
    #expect(commands("BEGIN; COMMIT; ROLLBACK") == [.begin, .commit, .rollback])
    #expect(commands("SET extra_float_digits = 3") == [.ignored(tag: "SET", isSet: true)])
    #expect(
      commands("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY") == [
        .ignored(tag: "SET", isSet: true)
      ])
    #expect(commands("DISCARD ALL") == [.ignored(tag: "DISCARD ALL", isSet: false)])
    #expect(
      commands("SHOW client_encoding") == [
        .sessionSetting(name: "client_encoding", value: "UTF8")
      ])
    #expect(
      commands("SHOW TRANSACTION ISOLATION LEVEL") == [
        .sessionSetting(name: "transaction_isolation", value: "read committed")
      ])
  }

  @Test(
    "what is wrong is named, with what there is",
    arguments: [
      ("SHOW nonsense", "SHOW takes one of ACTIVE_SOCKETS, CLIENTS,"),
      ("SELECT a FROM b", "SHOW HELP lists its commands"), ("DISABLE", "SHOW DATABASES lists them"),
      ("PAUSE a b", "SHOW HELP"), ("KILL_CLIENT", "SHOW CLIENTS"), ("KILL_CLIENT x", "SHOW CLIENTS"),
      ("SHUTDOWN now", "WAIT_FOR_SERVERS"), ("SET borrow_timeout", "SET borrow_timeout = '3s'"),
      ("frobnicate", "SHOW HELP"), ("SHOW pools; 'open", "SHOW HELP"), ("$1", "SHOW HELP"),
      ("\u{1}\u{2}", "SHOW HELP"),
    ])
  func mistakes(text: String, hint: String) {
    let found = error(text)
    #expect(found?.sqlState == "42601")
    #expect(found?.hint?.contains(hint) == true, "\(found?.hint ?? "none")")
  }

  @Test("a long text is not repeated in full")
  func long() {
    let message = error("SELECT " + String(repeating: "x", count: 5_000) + " FROM y")?.message ?? ""
    #expect(message.count < 120)
    #expect(message.hasPrefix("invalid command \"SELECT xxx"))
  }
}
