import Migrations
import Testing

@Suite("A migration's version")
struct VersionTests {
  @Test(
    "is compared by number, part for part",
    arguments: [
      ("1", "2"), ("1", "1.1"), ("1.9", "1.10"), ("3.9", "3.10"), ("-7", "0"), ("-7", "-3"), ("2", "10"),
      ("20240131.1", "20240201"), ("9999999999999999999999", "10000000000000000000000"),
    ])
  func order(_ smaller: String, _ greater: String) throws {
    #expect(try MigrationVersion(smaller) < MigrationVersion(greater))
    #expect(try !(MigrationVersion(greater) < MigrationVersion(smaller)))
  }

  @Test(
    "is the same whatever zeros it is written with",
    arguments: [("1", "1.0"), ("1", "01"), ("1", "1_0"), ("3.10.0", "3.10"), ("0", "0.0"), ("-0", "0")])
  func equality(_ one: String, _ other: String) throws {
    #expect(try MigrationVersion(one) == MigrationVersion(other))
    #expect(try MigrationVersion(one).hashValue == MigrationVersion(other).hashValue)
  }

  @Test(
    "keeps the text it was written with, but for underscores", arguments: [("004", "004"), ("1_2", "1.2")])
  func text(_ written: String, _ shown: String) throws {
    #expect(try MigrationVersion(written).text == shown)
  }

  @Test(
    "is refused when it is not numbers between dots",
    arguments: ["4.", ".6", "5..1", "8._1", "9-1", "6a", "", "abc", "1.-7", "1 "])
  func refusal(_ written: String) {
    #expect(throws: MigrationError.invalidVersion(String(written.map { $0 == "_" ? "." : $0 }))) {
      try MigrationVersion(written)
    }
  }
}
