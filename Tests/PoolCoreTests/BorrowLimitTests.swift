import PoolCore
import Testing

@Suite("How long a client lets itself wait") struct BorrowLimitTests {
  @Test(
    "a number and its unit; a bare number is seconds",
    arguments: [
      ("250ms", 250), ("3s", 3_000), ("3", 3_000), ("2m", 120_000), ("1h", 3_600_000), ("1d", 86_400_000),
      ("0", 0), ("", nil), ("s", nil), ("1 s", nil), ("-1s", nil), ("1w", nil), ("9999999999999s", nil),
    ] as [(String, UInt64?)])
  func durations(text: String, milliseconds: UInt64?) {
    #expect(BorrowLimit.milliseconds(Array(text.utf8)) == milliseconds)
  }

  @Test("it comes with the client's settings")
  func client() {
    var sessions = Sessions(seed: 1, maxStatements: 10)
    var image = SettingsImage()
    image.set("DBTool.borrow_timeout", Array("250ms".utf8))
    let id = sessions.images.retain(image)
    sessions.clientArrived(ClientID(0), startup: id)
    sessions.clientArrived(ClientID(1), startup: .empty)
    #expect(sessions.borrowLimit(of: ClientID(0)) == 250)
    #expect(sessions.borrowLimit(of: ClientID(1)) == nil)
  }
}
