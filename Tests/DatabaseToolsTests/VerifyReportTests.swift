import DatabaseTools
import Foundation
import FoundationXML
import Testing

@Suite("The report of verify") struct VerifyReportTests {
  static let report: VerifyReport = {
    var failed = VerifyCase("V2__b.sql", file: "sql/V2__b.sql", .notTried("nothing was tried"))
    failed.fail(
      Finding(
        .migrate,
        Failure(
          "relation \"x<y\" does not exist", sqlState: "42P01",
          place: Failure.Place(file: "sql/V2__b.sql", line: 3, column: 14), detail: "50 % of it,\nall: gone",
          hint: "create it first")))
    failed.notes = [
      Finding(.transaction, Failure("it ends", place: Failure.Place(file: "sql/V2__b.sql", line: 9)))
    ]
    return VerifyReport(
      cases: [
        VerifyCase("V1__a.sql", file: "sql/V1__a.sql", milliseconds: 12), failed,
        VerifyCase("V3__c.sql", file: "sql/V3__c.sql", .notTried("V2__b.sql before it fails")),
      ], serverVersion: "15.18", milliseconds: 1234)
  }()

  @Test("for people it has a line for each case, the findings with place and hint, and a sum")
  func text() {
    #expect(
      Self.report.lines(Paint(isOn: false)) == [
        "ok        V1__a.sql  12 ms", "FAILED    V2__b.sql", "not tried V3__c.sql  V2__b.sql before it fails",
        "",
        "error: relation \"x<y\" does not exist (SQLSTATE 42P01)", "  at sql/V2__b.sql:3:14",
        "  detail: 50 % of it,", "          all: gone", "  hint: create it first", "", "note: it ends",
        "  at sql/V2__b.sql:9", "", "1 finding, 1 note (2 checks on PostgreSQL 15.18 in 1.2 s)",
      ])
  }

  @Test("without findings it says so")
  func clean() {
    let report = VerifyReport(cases: [VerifyCase("V1__a.sql")], serverVersion: "16.1", milliseconds: 900)
    #expect(report.isClean)
    #expect(
      report.lines(Paint(isOn: false)).last == "clean: no findings (1 check on PostgreSQL 16.1 in 900 ms)")
  }

  @Test("the same finding of two tries is told once")
  func once() {
    var entry = VerifyCase("V1__a.sql")
    entry.fail(Finding(.script, Failure("comment is never closed", place: Failure.Place(file: "a", line: 1))))
    entry.fail(
      Finding(
        .migrate, Failure("comment is never closed", place: Failure.Place(file: "a", line: 1), hint: "x")))
    #expect(entry.findings.count == 1)
    #expect(entry.outcome == .failed)
  }

  @Test("as JSON it has what, where and what to do, and every case")
  func json() throws {
    let document = try #require(
      JSONSerialization.jsonObject(with: Data(Self.report.json.text().utf8)) as? [String: Any])
    #expect(document["operation"] as? String == "verify")
    #expect(document["clean"] as? Bool == false)
    let finding = try #require((document["findings"] as? [[String: Any]])?.first)
    #expect(finding["rule"] as? String == "migrate")
    #expect(finding["file"] as? String == "sql/V2__b.sql")
    #expect(finding["line"] as? Int == 3)
    #expect(finding["column"] as? Int == 14)
    #expect(finding["sqlState"] as? String == "42P01")
    #expect(finding["hint"] as? String == "create it first")
    let cases = try #require(document["cases"] as? [[String: Any]])
    #expect(cases.map { $0["outcome"] as? String } == ["passed", "failed", "not tried"])
  }

  @Test("as JUnit it is XML that can be read, with counts, places and reasons")
  func junit() throws {
    let document = try XMLDocument(xmlString: Self.report.junit)
    let suites = try #require(document.rootElement())
    #expect(suites.attribute(forName: "tests")?.stringValue == "3")
    #expect(suites.attribute(forName: "failures")?.stringValue == "1")
    #expect(suites.attribute(forName: "skipped")?.stringValue == "1")
    let failure = try #require(
      try document.nodes(forXPath: "//testcase[@name='V2__b.sql']/failure").first as? XMLElement)
    #expect(failure.attribute(forName: "message")?.stringValue == "relation \"x<y\" does not exist")
    #expect(failure.stringValue?.contains("at sql/V2__b.sql:3:14") == true)
    let test = try #require(
      try document.nodes(forXPath: "//testcase[@name='V2__b.sql']").first as? XMLElement)
    #expect(test.attribute(forName: "file")?.stringValue == "sql/V2__b.sql")
    #expect(test.attribute(forName: "line")?.stringValue == "3")
    let skipped = try #require(try document.nodes(forXPath: "//skipped").first as? XMLElement)
    #expect(skipped.attribute(forName: "message")?.stringValue == "V2__b.sql before it fails")
  }

  @Test("control characters that XML has no word for do not spoil it")
  func controls() throws {
    var entry = VerifyCase("a")
    entry.fail(Finding(.migrate, Failure("bell \u{7} & escape \u{1B}[31m")))
    let report = VerifyReport(cases: [entry], serverVersion: "15.1", milliseconds: 0)
    let document = try XMLDocument(xmlString: report.junit)
    #expect(document.rootElement()?.name == "testsuites")
  }

  @Test("on GitHub each finding is a line with place and title, escaped as GitHub wants it")
  func github() {
    #expect(
      Self.report.annotations(folder: "/home/ci/shop/db", workspace: "/home/ci/shop") == [
        "::error file=db/sql/V2__b.sql,line=3,col=14,title=dbtool verify%3A migrate::relation \"x<y\" does not exist"
          + " (SQLSTATE 42P01)%0Adetail: 50 %25 of it,%0Aall: gone%0Ahint: create it first",
        "::notice file=db/sql/V2__b.sql,line=9,title=dbtool verify%3A transaction::it ends",
      ])
  }
}
