/// The version of the next migration, in the style of those that are there.
package enum NextVersion {
  /// Numbers count up in their last part and keep their width: 3 → 4, 009 → 010, 1_9 → 1_10. Where a part is a
  /// time, `yyyyMMdd` with or without `HHmm` and `ss`, it becomes now's, and what stands before it counts up.
  /// - Parameters:
  ///   - highest: as its file has it; nil where there is none.
  ///   - now: `yyyyMMddHHmmss`.
  package static func after(_ highest: String?, now: String) -> String {
    guard let highest else { return "1" }
    var numbers: [String] = [""]
    var separators: [Character] = []
    // A sign is allowed in front. Below zero, one is higher; a plus means nothing.
    if highest.hasPrefix("-") { return "1" }
    for character in highest.drop(while: { $0 == "+" }) {
      if character == "." || character == "_" {
        separators.append(character)
        numbers.append("")
      } else {
        numbers[numbers.count - 1].append(character)
      }
    }
    func joined(_ count: Int) -> String {
      (1..<count).reduce(numbers[0]) { $0 + String(separators[$1 - 1]) + numbers[$1] }
    }
    guard let time = numbers.firstIndex(where: isTime) else {
      numbers[numbers.count - 1] = increment(numbers[numbers.count - 1])
      return joined(numbers.count)
    }
    let fresh = String(now.prefix(numbers[time].count))
    if time > 0 {
      numbers[time - 1] = increment(numbers[time - 1])
      numbers[time] = fresh
      return joined(time + 1)
    }
    if fresh > numbers[0] {
      // A counter behind the time begins anew, as wide as it was.
      let width = numbers.count > 1 ? numbers[1].count : 0
      let counter = String(repeating: "0", count: max(0, width - 1)) + "1"
      return width == 0 ? fresh : fresh + String(separators[0]) + counter
    }
    // The same day, or a clock that is behind.
    if numbers.count == 1 { return numbers[0] + ".1" }
    numbers[numbers.count - 1] = increment(numbers[numbers.count - 1])
    return joined(numbers.count)
  }

  /// Whether it reads as a time of these centuries.
  private static func isTime(_ digits: String) -> Bool {
    guard [8, 12, 14].contains(digits.count) else { return false }
    let bytes = Array(digits.utf8)
    func number(_ range: Range<Int>) -> Int {
      range.reduce(0) { $0 * 10 + Int(bytes[$1]) - 48 }
    }
    return (1970...2999).contains(number(0..<4)) && (1...12).contains(number(4..<6))
      && (1...31).contains(number(6..<8)) && (bytes.count < 12 || number(8..<10) < 24 && number(10..<12) < 60)
      && (bytes.count < 14 || number(12..<14) < 60)
  }

  /// One more, however many digits there are.
  private static func increment(_ digits: String) -> String {
    var bytes = Array(digits.utf8)
    for index in bytes.indices.reversed() {
      if bytes[index] < UInt8(ascii: "9") {
        bytes[index] += 1
        return String(decoding: bytes, as: UTF8.self)
      }
      bytes[index] = UInt8(ascii: "0")
    }
    return "1" + String(decoding: bytes, as: UTF8.self)
  }
}
