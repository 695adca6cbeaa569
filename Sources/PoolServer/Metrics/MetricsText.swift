/// Writes OpenMetrics 1.0 text: families with their help, type and unit, then samples, then `# EOF`.
///
/// Source: OpenMetrics 1.0 (prometheus/OpenMetrics), "Text format": counters' samples end in `_total`, a family
/// with a unit ends in it, labels escape `\`, `"` and line ends.
package struct MetricsText: Sendable {
  package enum Kind: String, Sendable { case counter, gauge, histogram, info }
  package enum Unit: String, Sendable { case seconds, bytes }

  /// What an HTTP response calls this text.
  package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  /// Goes in front of each family's name.
  var prefix: String
  private var text = ""

  /// - Parameter prefix: goes in front of each family's name.
  package init(prefix: String) {
    self.prefix = prefix
    text.reserveCapacity(24_576)
  }

  /// A family with one sample.
  package mutating func single(
    _ kind: Kind, _ name: String, _ help: String, unit: Unit? = nil, _ value: String
  ) {
    family(kind, name, help, unit: unit)
    sample(kind, name, [], value)
  }

  /// Begins a family; its samples follow.
  package mutating func family(_ kind: Kind, _ name: String, _ help: String, unit: Unit? = nil) {
    precondition(unit.map { name.hasSuffix("_" + $0.rawValue) } ?? true, "\(name) must end in its unit")
    text += "# HELP \(prefix)\(name) \(Self.escaped(help))\n"
    text += "# TYPE \(prefix)\(name) \(kind.rawValue)\n"
    if let unit { text += "# UNIT \(prefix)\(name) \(unit.rawValue)\n" }
  }

  /// One sample of the family begun last.
  package mutating func sample(
    _ kind: Kind, _ name: String, _ labels: [(name: String, value: String)], _ value: String
  ) {
    let suffix =
      switch kind {
      case .counter: "_total"
      case .info: "_info"
      case .gauge, .histogram: ""
      }
    line(name + suffix, labels, value)
  }

  /// A family with one histogram of durations in seconds.
  package mutating func histogram(_ name: String, _ help: String, _ values: Histogram) {
    family(.histogram, name, help, unit: .seconds)
    var below: UInt64 = 0
    for bucket in 0...Histogram.boundedBuckets {
      below &+= values.count(inBucket: bucket)
      let bound = Histogram.boundMicroseconds(bucket).map { Self.seconds(nanoseconds: $0 * 1_000) } ?? "+Inf"
      line(name + "_bucket", [("le", bound)], String(below))
    }
    line(name + "_count", [], String(values.count))
    line(name + "_sum", [], Self.seconds(nanoseconds: values.sumNanoseconds))
  }

  /// The whole text, with its end mark.
  package consuming func finished() -> String { text + "# EOF\n" }

  /// `1.5`, `0.000016`, `2.0`: exact, without an exponent.
  package static func seconds(nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    var digits = String(repeating: "0", count: 9 - fraction.count) + fraction
    while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    return "\(nanoseconds / 1_000_000_000).\(digits)"
  }

  private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
    text += prefix + name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  static func escaped(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
