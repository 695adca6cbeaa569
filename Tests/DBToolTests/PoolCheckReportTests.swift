import DatabaseTools
import Testing

@testable import dbtool

@Suite("What pool check says of the cap") struct PoolCheckReportTests {
  private func cap(_ cap: Int?, percent: Int = 100, usable: Int, forLookups: Bool = false) -> PoolCheckReport
  {
    var report = PoolCheckReport()
    report.addCap(cap, percent: percent, usable: usable, forLookups: forLookups)
    return report
  }

  @Test("how many are left for others, in one sentence")
  func left() {
    let report = cap(85, usable: 97)
    #expect(
      report.lines(Paint(isOn: false)) == [
        "works  cap: 85 of the server's 97 usable connections; 12 left for others"
      ])
    #expect(cap(nil, percent: 60, usable: 97).findings.first?.says.hasPrefix("58 of the server's 97") == true)
    #expect(
      cap(3, usable: 97, forLookups: true).findings.first?.says.contains("one of them for look-ups") == true)
  }

  @Test("none left is a note, more than there are is a failure")
  func tooMany() {
    #expect(cap(nil, usable: 97).findings.first?.verdict == .note)
    #expect(cap(nil, usable: 97).isFine)
    let report = cap(98, usable: 97)
    #expect(!report.isFine)
    #expect(report.json["ok"] == .bool(false))
    #expect(report.findings.first?.hint == "say max_connections = 97 or less, or raise it at the server")
  }
}
