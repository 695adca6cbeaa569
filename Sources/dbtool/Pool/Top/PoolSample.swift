import DatabaseTools

/// What `/status.json` said at one moment, as far as `pool top` shows it.
struct PoolSample: Sendable {
  let document: JSONValue

  /// - Parameter text: the document; `nil` when this is none.
  init?(_ text: String) {
    guard let document = JSONValue(parsing: text), document["backends"] != nil else { return nil }
    self.document = document
  }

  /// The number at the end of the path; 0 where there is none.
  func number(_ path: String...) -> Double { Self.number(in: document, path) }

  func count(_ path: String...) -> Int { Int(exactly: Self.number(in: document, path).rounded()) ?? 0 }

  func text(_ name: String) -> String { document[name]?.text ?? "" }

  /// The clients of `holders`, `waiters` or `pinned`.
  func clients(_ name: String) -> [PoolSampleClient] {
    guard case .array(let clients)? = document[name] else { return [] }
    return clients.map { PoolSampleClient(document: $0) }
  }

  /// All numbers of an object together, as of `refusals`.
  func total(_ name: String) -> Int {
    guard case .object(let members)? = document[name] else { return 0 }
    return members.reduce(0) { sum, member in sum + (member.value.text.flatMap { Int($0) } ?? 0) }
  }

  /// CPU seconds of each event loop.
  var loops: [Double] {
    guard case .array(let loops)? = document["loops"] else { return [] }
    return loops.map { Self.number(in: $0, ["cpu_seconds"]) }
  }

  /// Counts of each bucket, and their bounds in seconds.
  func histogram(_ name: String) -> (bounds: [Double], counts: [Double]) {
    guard let histograms = document["histograms"] else { return ([], []) }
    return (Self.numbers(histograms["bounds_seconds"]), Self.numbers(histograms[name]?["counts"]))
  }

  private static func number(in document: JSONValue, _ path: [String]) -> Double {
    var value: JSONValue? = document
    for name in path { value = value?[name] }
    return value?.text.flatMap { Double($0) } ?? 0
  }

  private static func numbers(_ value: JSONValue?) -> [Double] {
    guard case .array(let values)? = value else { return [] }
    return values.map { $0.text.flatMap { Double($0) } ?? 0 }
  }
}

/// One client of a sample. Names are the client's own choice: control characters are shown, not sent on.
struct PoolSampleClient: Sendable {
  let document: JSONValue

  func text(_ name: String) -> String { Failure.printable(document[name]?.text ?? "") }

  func seconds(_ name: String) -> Double { document[name]?.text.flatMap { Double($0) } ?? 0 }

  var isEncrypted: Bool { document["encrypted"] == .bool(true) }

  var pinReasons: String {
    guard case .array(let reasons)? = document["pin_reasons"] else { return "" }
    return reasons.compactMap(\.text).joined(separator: ", ")
  }
}

/// What happened between two samples of one process.
struct PoolSampleDifference: Sendable {
  let before: PoolSample
  let now: PoolSample

  /// Seconds; 0 when there is nothing to compare with, or another process has answered.
  var seconds: Double {
    guard now.number("uptime_seconds") >= before.number("uptime_seconds") else { return 0 }
    return max(0, now.number("time_seconds") - before.number("time_seconds"))
  }

  /// So many a second.
  func rate(_ total: String) -> Double {
    seconds > 0 ? max(0, now.number("totals", total) - before.number("totals", total)) / seconds : 0
  }

  /// The share of one processor that the process has used.
  var processor: Double {
    share(before.number("process", "cpu_seconds"), now.number("process", "cpu_seconds"))
  }

  var loops: [Double] { zip(before.loops, now.loops).map { share($0, $1) } }

  private func share(_ before: Double, _ now: Double) -> Double {
    seconds > 0 ? max(0, now - before) / seconds : 0
  }

  /// The time in seconds that this share of what was recorded did not pass, to a bucket's width; `nil` when nothing was.
  /// What was shorter than the first bound is 0.
  func quantile(_ share: Double, of name: String) -> Double? {
    let (bounds, counts) = now.histogram(name)
    let old = before.histogram(name).counts
    guard seconds > 0, counts.count == old.count, counts.count == bounds.count + 1 else { return nil }
    let new = zip(counts, old).map { max(0, $0 - $1) }
    let all = new.reduce(0, +)
    guard all > 0 else { return nil }
    let rank = max(1, (share * all).rounded(.up))
    var below = 0.0
    for (bucket, count) in new.enumerated() {
      if below + count >= rank {
        if bucket == 0 { return 0 }
        let lower = bounds[bucket - 1]
        return bucket < bounds.count ? lower + (bounds[bucket] - lower) * (rank - below) / count : lower
      }
      below += count
    }
    return nil
  }
}
