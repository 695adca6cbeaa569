import PoolCore

/// Keeps a log readable while one thing fails over and over: a text that was told already is told again only after
/// ``pause``, with how often it was held back in between.
struct RepeatedComplaint {
  /// Milliseconds until the same text may be told again.
  static let pause = 10_000

  private var text = ""
  private var toldAt: Instant?
  private var heldBack = 0

  /// Whether to tell `text` now, and how often it was not told since the last time; `nil` when not.
  mutating func tell(_ text: String, at now: Instant) -> Int? {
    if text == self.text, let toldAt, now.milliseconds(since: toldAt) < Self.pause {
      heldBack += 1
      return nil
    }
    let missed = text == self.text ? heldBack : 0
    self.text = text
    toldAt = now
    heldBack = 0
    return missed
  }

  /// What was complained of is over: the next complaint is told at once.
  mutating func settled() { self = RepeatedComplaint() }
}
