/// Numbers as people read them.
enum Figures {
  /// `123,456`.
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `30 s`, `0.25 s`.
  static func seconds(_ duration: Duration) -> String {
    fixed(duration / .seconds(1), 2, trimmed: true) + " s"
  }

  /// `0.85 ms`, `12.3 ms`, `1,234 ms`: three digits that mean something.
  static func milliseconds(_ value: Double) -> String {
    (value < 10 ? fixed(value, 2) : value < 100 ? fixed(value, 1) : count(Int(value.rounded()))) + " ms"
  }

  /// With so many decimals; trimmed, without zeros at the end.
  static func fixed(_ value: Double, _ decimals: Int, trimmed: Bool = false) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((value * Double(scale)).rounded())
    let rest = String(abs(scaled % scale))
    var fraction = decimals > 0 ? String(repeating: "0", count: decimals - rest.count) + rest : ""
    if trimmed { while fraction.hasSuffix("0") { fraction.removeLast() } }
    let whole = (scaled < 0 ? "-" : "") + String(abs(scaled / scale))
    return fraction.isEmpty ? whole : whole + "." + fraction
  }
}
