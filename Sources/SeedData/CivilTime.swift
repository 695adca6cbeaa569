/// Seconds since 1970 in UTC, and how they are written. The calendar is the Gregorian one, years 1 to 9999.
package enum CivilTime {
  static let secondsPerDay: Int64 = 86_400

  /// The first second of the year 1, and the last of the year 9999.
  static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  /// The day's number (0 is 1970-01-01) of a date.
  static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    // Years start in March, so that the leap day is a year's last.
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  static func date(ofDay number: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = number + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth + (marchMonth < 10 ? 3 : -9)
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// The day that a second belongs to, also before 1970.
  static func day(ofSecond second: Int64) -> Int64 {
    second >= 0 ? second / secondsPerDay : -((-second + secondsPerDay - 1) / secondsPerDay)
  }

  /// Reads `2025-11-28`, `2025-11-28T13:00:00`, with or without a `Z` at the end; nil when it is none.
  package static func second(_ text: String) -> Int64? {
    var bytes = Array(text.utf8)
    if bytes.last == UInt8(ascii: "Z") { bytes.removeLast() }
    guard bytes.count == 10 || bytes.count == 19 else { return nil }
    func number(_ range: Range<Int>) -> Int64? {
      var value: Int64 = 0
      for byte in bytes[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      return value
    }
    guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      year >= 1, (1...12).contains(month), day >= 1
    else { return nil }
    let days = Self.day(year: year, month: month, day: day)
    // The 30th of February becomes a day in March; a date that does not come back is none.
    guard date(ofDay: days) == (year, month, day) else { return nil }
    guard bytes.count == 19 else { return days * secondsPerDay }
    guard bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "),
      bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      hour < 24, minute < 60, second < 60
    else { return nil }
    return days * secondsPerDay + hour * 3600 + minute * 60 + second
  }

  /// The beginning of a second's day, as `2025-11-28T00:00:00Z`.
  package static func day(_ second: Int64) -> String {
    var bytes: [UInt8] = []
    append(day(ofSecond: second) * secondsPerDay, to: &bytes)
    return String(decoding: bytes.prefix(10), as: UTF8.self) + "T00:00:00Z"
  }

  /// Appends `2025-11-28 13:00:00+00`, which every date and time type of PostgreSQL reads under any DateStyle.
  static func append(_ second: Int64, to bytes: inout [UInt8]) {
    let dayNumber = day(ofSecond: second)
    let rest = second - dayNumber * secondsPerDay
    let date = date(ofDay: dayNumber)
    bytes.append(decimal: date.year, width: 4)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(decimal: date.month, width: 2)
    bytes.append(UInt8(ascii: "-"))
    bytes.append(decimal: date.day, width: 2)
    bytes.append(UInt8(ascii: " "))
    bytes.append(decimal: rest / 3600, width: 2)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(decimal: rest / 60 % 60, width: 2)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(decimal: rest % 60, width: 2)
    bytes.append(contentsOf: [UInt8(ascii: "+"), UInt8(ascii: "0"), UInt8(ascii: "0")])
  }
}
