import Foundation
import PoolCore
import Testing

@Suite("docs/console.md") struct ConsoleManualTests {
  private func manual() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "docs/console.md"), encoding: .utf8)
  }

  @Test("names every SHOW", arguments: ConsoleView.allCases)
  func views(view: ConsoleView) throws {
    let manual = try manual()
    #expect(manual.contains(view.rawValue.uppercased()))
  }

  @Test(
    "names every order",
    arguments: [
      "PAUSE [db]", "RESUME [db]", "RECONNECT [db]", "WAIT_CLOSE [db]", "KILL [db]", "KILL_CLIENT id",
      "DISABLE db", "ENABLE db", "RELOAD", "SET key = 'value'", "SHUTDOWN", "SUSPEND",
    ])
  func orders(order: String) throws {
    #expect(try manual().contains("`\(order)`"))
  }
}
