import DatabaseTools

/// Says what the demo does, step by step, on stderr.
struct DemoSteps {
  static let indent = "     "
  private static let total = 6

  let console: Console
  private var number = 0

  init(_ console: Console) { self.console = console }

  mutating func begin(_ title: String) {
    number += 1
    console.say(console.errPaint.bold("[\(number)/\(Self.total)]") + " " + title)
  }

  func note(_ text: String) { console.say(Self.indent + text) }
}
