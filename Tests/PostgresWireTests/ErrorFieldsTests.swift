import PostgresWire
import Testing

@Suite("Error fields")
struct ErrorFieldsTests {
  private func fields(_ body: [UInt8]) -> ErrorFields {
    ErrorFields.read(in: body.span, body: 0..<body.count)
  }

  @Test("a refusal of our own comes back as it was written")
  func roundTrip() throws {
    let refusal = ErrorFields(
      severity: .fatal, sqlState: "28P01", message: "password authentication failed", detail: "a detail",
      hint: "a hint")
    let bytes = written { $0.errorResponse(refusal) }
    let back = try #require(read(bytes) { ErrorFields.read(in: $0, at: $1, length: $2) })
    #expect(back == refusal)
    #expect(back.severity == "FATAL" && back.severityV == "FATAL" && back.isFatal)
    #expect(back.sqlState == "28P01")
    #expect(back.detail == "a detail" && back.hint == "a hint")
    #expect(Array(bytes.prefix(1)) == ascii("E"))
    #expect(written { $0.noticeResponse(refusal) }.dropFirst() == bytes.dropFirst())
  }

  @Test("every field of the manual has its name, and unknown ones are kept")
  func names() {
    let all = fields(
      ascii(
        "SFEHLER\0VERROR\0C42P01\0Mm\0Dd\0Hh\0P15\0p3\0qq\0Ww\0ss\0tt\0cc\0dd\0nn\0Ff.c\0L99\0Rr\0Znew\0\0"))
    #expect(all.severity == "FEHLER" && all.severityV == "ERROR" && !all.isFatal)
    #expect(all.sqlState == "42P01" && all.message == "m" && all.detail == "d" && all.hint == "h")
    #expect(all.position == 15 && all.internalPosition == 3 && all.internalQuery == "q" && all.where == "w")
    #expect(all.schema == "s" && all.table == "t" && all.column == "c" && all.dataType == "d")
    #expect(all.constraint == "n" && all.file == "f.c" && all.line == 99 && all.routine == "r")
    #expect(all.others == [ErrorFields.Field(code: UInt8(ascii: "Z"), text: "new")])
    #expect(fields(Array(written { $0.errorResponse(all) }.dropFirst(5))) == all)
  }

  @Test(
    "missing, empty and cut fields are borne",
    arguments: [
      ("", "", "", ""), ("\0", "", "", ""), ("Mm\0\0", "", "", "m"), ("S\0C\0M\0\0", "", "", ""),
      ("SERROR\0Mm", "ERROR", "", "m"), ("SERROR\0C", "ERROR", "", ""), ("VFATAL\0\0Mx\0", "FATAL", "", ""),
      ("P12x\0P\0\0", "", "", ""),
    ])
  func tolerated(body: String, severity: String, sqlState: String, message: String) {
    let read = fields(ascii(body))
    #expect(read.severity == severity && read.sqlState == sqlState && read.message == message)
    #expect(read.position == nil)
  }

  @Test("without the untranslated severity the other one says whether it is fatal")
  func severityOfOldServers() {
    #expect(fields(ascii("SFATAL\0\0")).isFatal)
    #expect(fields(ascii("SPANIC\0\0")).isFatal)
    #expect(!fields(ascii("SERROR\0\0")).isFatal)
    #expect(!fields(ascii("")).isFatal)
  }

  @Test("a field is set, replaced and taken out by its letter")
  func editing() {
    var fields = ErrorFields.sample
    fields.hint = nil
    fields.position = 3
    fields.message = "other"
    #expect(fields.hint == nil && fields["P"] == "3" && fields["M"] == "other")
    #expect(fields.fields.count == 6)
  }
}
