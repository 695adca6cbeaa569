import Testing

@testable import SeedData

@Suite("Whole-number arithmetic")
struct ArithmeticTests {
  /// Expected: Python's `decimal` at fifty digits, rounded down.
  @Test(
    "the logarithm is right to its last binary place, or the one below",
    arguments: [
      (1, 0), (2, 4_294_967_296), (3, 6_807_362_105), (10, 14_267_572_527), (7900, 55_609_677_208),
      (34900, 64_815_091_257), (1_099_511_627_777, 171_798_691_840), (UInt64.max, 274_877_906_943),
    ] as [(UInt64, UInt64)])
  func logarithm(_ value: UInt64, _ expected: UInt64) {
    #expect((expected - min(expected, 1)...expected).contains(FixedPoint.log2(value)))
  }

  @Test("a power undoes a logarithm", arguments: [1, 2, 99, 7900, 34900, 1_000_000] as [UInt64])
  func power(_ value: UInt64) {
    let back = FixedPoint.exp2(FixedPoint.log2(value))
    #expect((value - 1...value).contains(back))
  }

  @Test("a reciprocal power falls from one to nothing")
  func reciprocal() {
    #expect(FixedPoint.inverseExp2(0) == FixedPoint.one)
    #expect(FixedPoint.inverseExp2(FixedPoint.one) == FixedPoint.one / 2)
    #expect(FixedPoint.inverseExp2(FixedPoint.one / 2) == 3_037_000_499)  // 2³² / √2
    #expect(FixedPoint.inverseExp2(40 * FixedPoint.one) == 0)
    #expect(FixedPoint.inverseExp2(.max) == 0)
  }

  @Test(
    "decimals are written and read",
    arguments: [
      (0, 0, "0"), (7, 5, "00007"), (-12, 4, "-0012"), (123, 2, "123"),
      (Int64.min, 0, "-9223372036854775808"),
    ]
      as [(Int64, Int, String)])
  func decimals(_ value: Int64, _ width: Int, _ text: String) {
    var bytes: [UInt8] = []
    bytes.append(decimal: value, width: width)
    #expect(String(decoding: bytes, as: UTF8.self) == text)
    #expect(decimal(bytes[...]) == value)
  }

  @Test("what is no number is none", arguments: ["", "-", "1.5", "x", "9223372036854775808", " 1"])
  func noNumber(_ text: String) {
    #expect(decimal(Array(text.utf8)[...]) == nil)
  }

  @Test(
    "moments are written as PostgreSQL reads them",
    arguments: [
      ("1970-01-01", "1970-01-01 00:00:00+00"), ("2025-11-28T13:05:09Z", "2025-11-28 13:05:09+00"),
      ("2024-02-29", "2024-02-29 00:00:00+00"), ("1969-12-31T23:59:59", "1969-12-31 23:59:59+00"),
      ("0001-01-01", "0001-01-01 00:00:00+00"), ("9999-12-31 23:59:59", "9999-12-31 23:59:59+00"),
    ])
  func moments(_ text: String, _ expected: String) throws {
    var bytes: [UInt8] = []
    CivilTime.append(try #require(CivilTime.second(text)), to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }

  @Test(
    "what is no moment is none",
    arguments: [
      "", "2025-02-29", "2025-13-01", "2025-11-28T24:00:00", "28.11.2025", "2025-11-28 13:05", "0000-01-01",
    ])
  func noMoment(_ text: String) {
    #expect(CivilTime.second(text) == nil)
  }

  @Test(
    "names become ASCII",
    arguments: [
      ("Łukasz", "Lukasz"), ("Weiß", "Weiss"), ("Đặng", "Dang"), ("Þóra", "THora"), ("Zoë", "Zoe"), ("伟", ""),
      ("Ada", "Ada"),
    ])
  func ascii(_ name: String, _ expected: String) {
    #expect(String(decoding: Transliteration.ascii(Array(name.utf8)), as: UTF8.self) == expected)
  }

  @Test("lower case knows letters beyond ASCII")
  func lower() {
    #expect(String(decoding: Transliteration.lower(Array("ÅSA Żuk".utf8)), as: UTF8.self) == "åsa żuk")
  }
}
